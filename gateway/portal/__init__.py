"""The portal: pages for people, one folder per desk."""
