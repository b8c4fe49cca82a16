"""The page that runs SQL on collected tables and on the catalogue."""
