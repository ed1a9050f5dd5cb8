"""What the report says in words and numbers, held against what the cells printed and the files hold."""
