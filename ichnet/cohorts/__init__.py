"""The cohorts of the paper: their files and labels in, labelled cases out."""
