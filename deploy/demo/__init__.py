"""The main job told as a story, on the running system, through its public interfaces only."""
