"""Small real tables and what writes them."""
