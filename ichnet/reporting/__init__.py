"""Tables, figures and the HTML report, from predictions alone."""
