"""State machines, agents, tools and models, and the workbench that runs them."""
