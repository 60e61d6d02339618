"""What panels and dashboards have in common: queries, colours, kinds of panels, the frame."""
