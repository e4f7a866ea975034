"""What predictions are measured by: test sets, performance, comparisons."""
