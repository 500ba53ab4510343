"""Other systems in which agents see conversations; each speaks that system's API and knows nothing of the others."""
