"""Words on the picture: captions, cards, text watermarks, fonts."""
