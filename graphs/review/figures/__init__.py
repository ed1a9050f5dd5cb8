"""What charts show, and what their titles say."""
