"""Every setting, read from the environment once, at the start of a process.

`.env.example` documents each variable; a test compares the two.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_type_hints

ENCODERS = ("auto", "libx264", "h264_nvenc", "h264_vaapi", "h264_qsv")
"Possible values of FFMPEG_ENCODER."
PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")
"Possible values of FFMPEG_PRESET: x264's, the quickest first."
LOG_FORMATS = ("text", "json")
"Possible values of LOG_FORMAT."


class BadSetting(Exception):
    """A variable has an unusable value. The message names the variable and what it accepts."""


@dataclass(frozen=True)
class Settings:
    """Field `x_y` is the variable `X_Y`. Times are seconds."""

    # where the parts are
    broker_url: str = "redis://127.0.0.1:6379/0"
    state_url: str = "redis://127.0.0.1:6379/0"
    s3_endpoint: str = "http://127.0.0.1:9000"
    s3_public_endpoint: str = ""
    s3_access_key: str = "reelwright"
    s3_secret_key: str = "reelwright-local"
    s3_region: str = "us-east-1"
    s3_timeout: float = 30.0
    s3_folder: str = ""
    assets_bucket: str = "assets"
    videos_bucket: str = "videos"
    work_dir: str = ""
    ffmpeg: str = ""

    # health and metrics
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 0
    metrics_token: str = ""
    metrics_networks: str = "127.0.0.0/8, ::1/128"

    # the HTTP service
    api_host: str = "127.0.0.1"
    api_port: int = 8080
    api_workers: int = 1
    max_upload_mb: int = 512
    link_seconds: int = 3600

    # jobs and leases
    job_timeout: float = 3600.0
    lease_seconds: float = 15.0
    beat_seconds: float = 1.0
    self_kill_seconds: float = 10.0
    max_attempts: int = 3
    retry_seconds: float = 1.0
    step_timeout: float = 1800.0
    hint_seconds: float = 10.0
    drain_seconds: float = 20.0

    max_concurrent_jobs: int = 16
    max_queued_jobs: int = 2000
    max_jobs_per_owner: int = 1000
    queue_seconds: float = 86_400.0
    repin_seconds: float = 60.0
    keep_job_seconds: float = 604_800.0
    keep_parts_seconds: float = 2_592_000.0
    collect_seconds: float = 3600.0
    collect_grace_seconds: float = 86_400.0

    # workers: how many steps each process runs at once (0: one per core)
    orchestrator_slots: int = 2
    retriever_slots: int = 2
    speech_slots: int = 1
    render_slots: int = 0
    render_threads: int = 1

    # footage
    pexels_api_key: str = ""
    pexels_base_url: str = "https://api.pexels.com"
    pexels_video_prefix: str = "/v1/videos"
    pexels_per_hour: int = 200
    pexels_backoff: float = 60.0
    pixabay_api_key: str = ""
    pixabay_base_url: str = "https://pixabay.com/api"
    pixabay_per_minute: int = 100
    clip_folder: str = ""
    max_download_mb: int = 512
    fetch_allow_networks: str = ""

    # speech
    speech_engines: str = ""

    # the film
    target_resolution: int = 1080
    ffmpeg_preset: str = "veryfast"
    ffmpeg_encoder: str = "auto"
    segment_seconds: float = 12.0

    log_level: str = "INFO"
    log_format: str = "text"

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "Settings":
        """Reads variables that are set and not empty; raises `BadSetting` for an unusable value."""
        hints = get_type_hints(cls)
        given = {f.name: env[f.name.upper()] for f in fields(cls) if env.get(f.name.upper())}
        settings = cls(**{name: _convert(name.upper(), text, hints[name]) for name, text in given.items()})
        settings._check()
        return settings

    def scratch(self) -> Path | None:
        """The folder for temporary files; None means the system's own."""
        return Path(self.work_dir) if self.work_dir else None

    def slots(self, wanted: int) -> int:
        return wanted or os.cpu_count() or 1

    def _check(self) -> None:
        if not self.beat_seconds < self.self_kill_seconds < self.lease_seconds:
            raise BadSetting("BEAT_SECONDS < SELF_KILL_SECONDS < LEASE_SECONDS must hold")
        if self.collect_grace_seconds <= max(self.step_timeout, self.lease_seconds):
            raise BadSetting(
                "COLLECT_GRACE_SECONDS must be longer than STEP_TIMEOUT: what a running step wrote must stay"
            )
        for name in (
            "max_concurrent_jobs",
            "max_queued_jobs",
            "max_jobs_per_owner",
            "keep_job_seconds",
            "keep_parts_seconds",
            "collect_seconds",
        ):
            if getattr(self, name) < 0:
                raise BadSetting(f"{name.upper()} must not be negative")
        if self.job_timeout <= 0:
            raise BadSetting("JOB_TIMEOUT must be more than 0 seconds")
        if self.segment_seconds < 1:
            raise BadSetting("SEGMENT_SECONDS must be at least 1 second")
        if self.log_format not in LOG_FORMATS:
            raise BadSetting(f"LOG_FORMAT must be one of {', '.join(LOG_FORMATS)}")
        if self.ffmpeg_encoder not in ENCODERS:
            raise BadSetting(f"FFMPEG_ENCODER must be one of {', '.join(ENCODERS)}")
        if self.ffmpeg_preset not in PRESETS:
            raise BadSetting(f"FFMPEG_PRESET must be one of {', '.join(PRESETS)}")
        if self.target_resolution % 2 or not 90 <= self.target_resolution <= 2160:
            raise BadSetting("TARGET_RESOLUTION is the shorter side in pixels: an even number from 90 to 2160")


def _convert(name: str, text: str, kind: type) -> Any:
    if kind is str:
        return text
    try:
        return kind(text)
    except ValueError:
        raise BadSetting(f"{name} must be {'a whole number' if kind is int else 'a number'}, not {text!r}") from None
