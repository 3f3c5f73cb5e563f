"""Everything that knows ffmpeg as a program: running it, its encoders and limits, joining and verifying its files."""
