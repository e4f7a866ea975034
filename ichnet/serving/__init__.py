"""The service ``ichnet serve``: receives scans, predicts them and sends results on."""
