"""The folder of voices that this machine has fetched (`./reel voices add`)."""

from collections.abc import Mapping

from infra.local import ROOT

FETCHED = ROOT / ".reel" / "voices"
"Where they are unless PIPER_VOICES names another folder."


def with_fetched_voices(env: Mapping[str, str]) -> dict[str, str]:
    """The environment of a stack on this machine: its speech service finds what was fetched without being told."""
    if env.get("PIPER_VOICES") or not FETCHED.is_dir():
        return dict(env)
    return {**env, "PIPER_VOICES": str(FETCHED)}
