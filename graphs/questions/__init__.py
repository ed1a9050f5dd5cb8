"""Questions as values: `Query` says what is asked; the reader fills it from English, the compiler carries it out."""
