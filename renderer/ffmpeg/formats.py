"""What every graph of ours says in the same words."""

GUARD = {"protocol_whitelist": "file,pipe"}
"For each input: whatever a file names, nothing but files and pipes of ours is opened."
MAX_PIXELS = 64_000_000
"Pictures larger than this are refused before they are decoded; some more than acquisition lets in."
BT709 = {"colorspace": "bt709", "color_primaries": "bt709", "color_trc": "bt709"}
"The colours of a film."
