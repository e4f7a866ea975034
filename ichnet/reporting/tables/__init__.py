"""Tables of a run as CSV, Markdown, HTML and LaTeX."""
