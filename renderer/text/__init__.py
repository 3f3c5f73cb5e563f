"""Words on the picture: captions, cards, watermarks, fonts."""
