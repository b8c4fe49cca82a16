"""The search page of the Browser: keys of the catalogue that meet the conditions of a text."""
