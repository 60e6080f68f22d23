"""What citizens can say, and the pipeline that understands it. Loaded by both environments: keep imports light."""
