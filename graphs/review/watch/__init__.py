"""What was seen while the cells ran a second time."""
