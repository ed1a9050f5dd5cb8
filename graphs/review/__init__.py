"""The reviewer: what a program can check of finished work, its values computed again, and then the model's verdict."""
