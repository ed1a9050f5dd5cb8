"""The template notebooks: the built-in analyst's skills, as notebooks that anyone can open and run alone."""
