"""What the window is drawn with: fonts, icons, and their licences."""
