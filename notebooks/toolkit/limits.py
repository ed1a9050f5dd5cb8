"""Where a file is too large to be loaded, and what stands for a missing value."""

LARGE = 256 << 20  # bytes of a file of which DuckDB reads a sample, without loading all of it
SAMPLE_ROWS = 200_000  # rows of that sample
MISSING = ("", "?", "-", "--", ".", "n/a", "N/A", "NA", "na", "NULL", "null", "None", "NaN", "nan", "#N/A")
