"""What the terminal shows of a run: the same events that every other surface folds."""
