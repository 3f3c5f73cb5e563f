"""The one declaration of every setting."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common.cores import usable_cores
from common.settings import values as v
from common.settings.reading import About, Given, Reading, Rule, read

SERVICES = ("api", "orchestrator", "retriever", "whisper_worker", "renderer")
WORKERS = SERVICES[1:]
BUCKETS = "buckets"
"The command `python -m infra.buckets`."
STORE = (*SERVICES, BUCKETS)
API, ORCHESTRATOR, RETRIEVER, SPEECH, RENDERER = ((name,) for name in SERVICES)

PLACES = "Where the parts are"
HEALTH = "Health and metrics"
HTTP = "The HTTP service"
JOBS = "Jobs and leases"
KEPT = "What stays"
SLOTS = "Workers"
FOOTAGE = "Footage"
VOICE = "Speech"
FILM = "The film"
LOGS = "Logs"
GROUPS: Mapping[str, str] = {
    PLACES: ("`./reel up` and `./reel make` start stores of their own and set the addresses and keys of Redis and S3."),
    HEALTH: "The API answers /healthz, /readyz and /metrics at its own port, a worker at METRICS_PORT.",
    HTTP: "There are no keys yet: whoever reaches the address can use the service.",
    JOBS: (
        "A worker renews its right to a step with every beat. One that cannot renew it stops its own work; later "
        "another worker may take the step. BEAT_SECONDS < SELF_KILL_SECONDS < LEASE_SECONDS must hold."
    ),
    KEPT: "",
    SLOTS: "How many steps each process runs at once. 0 is one for each core that its container may use.",
    FOOTAGE: "",
    VOICE: "",
    FILM: "Of films whose request asks for nothing else.",
    LOGS: "",
}
"Groups of settings in the order of the documents, with what is to be said of the whole group."

NOT_YET = frozenset({"enable_webhooks"})
"Settings that nothing goes by yet. Whoever sets one is told so."


def setting(
    default: Any,
    group: str,
    readers: tuple[str, ...],
    meaning: str,
    *,
    secret: bool = False,
    aliases: tuple[str, ...] = (),
) -> Any:
    """A field with its declaration."""
    return field(default=default, repr=not secret, metadata={"about": About(group, meaning, readers, secret, aliases)})


@dataclass(frozen=True)
class Settings:
    """Field `x_y` is the variable `X_Y`. Times are seconds.

    A new setting is a field here. What it accepts is its type, a row of `values.py`; who reads it is held to the
    code by a test.
    """

    broker_url: v.RedisUrl = setting(
        "redis://127.0.0.1:6379/0",
        PLACES,
        WORKERS,
        "Redis for the messages of Celery: 6.2 or newer, or Valkey. It may be the server of STATE_URL.",
        secret=True,
    )
    state_url: v.RedisUrl = setting(
        "redis://127.0.0.1:6379/0",
        PLACES,
        SERVICES,
        "Redis for the record of all jobs. In production it should be durable (append-only file, synced on each "
        "write), and it must never evict keys.",
        secret=True,
    )
    s3_endpoint: v.Endpoint = setting("http://127.0.0.1:9000", PLACES, STORE, "Any S3 server.")
    s3_public_endpoint: v.Endpoint = setting(
        "", PLACES, STORE, "The S3 server as clients reach it, for download links; empty means S3_ENDPOINT."
    )
    s3_access_key: v.Secret = setting("reelwright", PLACES, STORE, "Name of the key to the S3 server.", secret=True)
    s3_secret_key: v.Secret = setting("reelwright-local", PLACES, STORE, "The key to the S3 server.", secret=True)
    s3_region: v.Region = setting("us-east-1", PLACES, STORE, "Region of the S3 server.")
    s3_timeout: v.Seconds = setting(
        30.0, PLACES, STORE, "Time without an answer after which the S3 server counts as down."
    )
    s3_folder: v.Folder = setting(
        "",
        PLACES,
        STORE,
        "Folder of the store if it keeps its objects on a disk of this machine, as rclone does: such a store does not "
        "say by itself when that disk is full.",
    )
    assets_bucket: v.Bucket = setting("assets", PLACES, STORE, "Bucket for uploads, footage and parts of films.")
    videos_bucket: v.Bucket = setting("videos", PLACES, STORE, "Bucket for finished films.")
    work_dir: v.Folder = setting(
        "",
        PLACES,
        SERVICES,
        "Folder for temporary files, which must be writable; empty means the system's own. A step may need gigabytes.",
    )
    ffmpeg: v.Program = setting(
        "",
        PLACES,
        RENDERER,
        "Path of ffmpeg; empty means the one inside the imageio-ffmpeg package. It needs version 9, libx264, "
        "libass and libzimg. A film is rendered by workers of one build; others may serve the same queue.",
    )

    metrics_host: v.Host = setting(
        "127.0.0.1", HEALTH, WORKERS, "Address at which a worker answers /healthz, /readyz and /metrics."
    )
    metrics_port: v.PortOrNone = setting(
        0,
        HEALTH,
        WORKERS,
        "Port at which a worker answers /healthz (alive), /readyz (takes hints) and /metrics; 0: none.",
    )
    metrics_token: v.Secret = setting(
        "", HEALTH, API, "Whoever shows it as a bearer token may read /metrics of the API.", secret=True
    )
    metrics_networks: v.Networks = setting(
        "127.0.0.0/8, ::1/128",
        HEALTH,
        API,
        "Networks from which /metrics of the API may be read without a token, separated by commas.",
    )

    api_host: v.Host = setting(
        "127.0.0.1", HTTP, API, "Address to listen on; `./reel up` goes by it unless --host says otherwise."
    )
    api_port: v.Port = setting(
        8080,
        HTTP,
        API,
        "Port to listen on; `./reel up` goes by it unless --port says otherwise, and `./reel make` looks there for a "
        "service that runs. A value such as tcp://10.96.0.72:80, which Kubernetes sets for a service named api, is "
        "ignored.",
    )
    api_workers: v.Threads = setting(1, HTTP, API, "Processes of the HTTP service. One serves a few hundred clients.")
    max_upload_mb: v.Megabytes = setting(512, HTTP, API, "The largest file that may be uploaded.")
    link_seconds: v.LinkSeconds = setting(3600, HTTP, API, "How long a download link works; S3 allows a week at most.")
    enable_webhooks: v.Flag = setting(
        False,
        HTTP,
        API,
        "Calls of a job's callback_url. true has no effect yet: requests with a callback_url are refused either way.",
    )

    job_timeout: v.Seconds = setting(
        3600.0,
        JOBS,
        API,
        "A job that has not ended this long after it was let in fails; resuming it goes on with what is done.",
    )
    max_concurrent_jobs: v.Limit = setting(
        16,
        JOBS,
        ORCHESTRATOR,
        "Jobs of each lane (interactive, edits, batch) that run at once; the others wait in turn. 0 lets all in.",
    )
    max_queued_jobs: v.Limit = setting(2000, JOBS, API, "Jobs that may wait; more are refused (503). 0 is no limit.")
    max_jobs_per_owner: v.Limit = setting(
        1000, JOBS, API, "Jobs that one owner may have under way; more are refused (429). 0 is no limit."
    )
    queue_seconds: v.Seconds = setting(86_400.0, JOBS, API, "A job that was not let in after this long fails.")
    repin_seconds: v.SecondsOrNone = setting(
        60.0,
        JOBS,
        ORCHESTRATOR,
        "A job stays with the recipes, the ffmpeg build and the speech engine it began with while a worker has "
        "them, and so long after.",
    )
    lease_seconds: v.Seconds = setting(
        15.0, JOBS, WORKERS, "A step whose worker has not renewed its right for this long may be taken by another."
    )
    beat_seconds: v.Seconds = setting(1.0, JOBS, WORKERS, "Time between two renewals.")
    self_kill_seconds: v.Seconds = setting(
        10.0, JOBS, WORKERS, "A worker that could not renew its right for this long stops its own work."
    )
    max_attempts: v.Count = setting(3, JOBS, WORKERS, "How often a step is tried.")
    retry_seconds: v.Seconds = setting(
        1.0, JOBS, ORCHESTRATOR, "The first pause between two tries of a step; it doubles with each."
    )
    step_timeout: v.Seconds = setting(1800.0, JOBS, WORKERS, "A step that runs longer than this is ended.")
    hint_seconds: v.Seconds = setting(
        10.0, JOBS, ORCHESTRATOR, "A step that nobody took is announced again after this long."
    )
    drain_seconds: v.SecondsOrNone = setting(
        20.0,
        JOBS,
        WORKERS,
        "How long a worker that is asked to end may go on with what it is doing. `./reel up` uses 3 unless this is "
        "set.",
    )

    keep_job_seconds: v.SecondsOrNone = setting(
        604_800.0,
        KEPT,
        ("api", "orchestrator"),
        "Ended jobs leave Redis after this long. Their manifests stay in storage: they can still be read, edited and "
        "resumed.",
        aliases=("JOB_CACHE_TTL",),
    )
    keep_parts_seconds: v.SecondsOrNone = setting(
        2_592_000.0,
        KEPT,
        SERVICES,
        "Parts of a film (segments, narrations, footage) stay this long after its end; then only films, captions "
        "and storyboards do, and an edit makes the parts anew. Results are known for reuse no longer than this, "
        "nor than a week. Uploads that no job uses stay as long.",
    )
    asset_cache_enabled: v.Flag = setting(
        True,
        KEPT,
        SERVICES,
        "true: footage, narrations and segments that one job has made are reused by other jobs that need the very "
        "same. false: every job makes all of its own; an edit still keeps what its film has. All services should "
        "agree.",
    )
    collect_seconds: v.SecondsOrNone = setting(
        3600.0, KEPT, ORCHESTRATOR, "How often objects that nothing refers to are removed; 0: never."
    )
    collect_grace_seconds: v.Seconds = setting(
        86_400.0,
        KEPT,
        ORCHESTRATOR,
        "How old such an object must be to be removed: older than STEP_TIMEOUT and LEASE_SECONDS.",
    )

    orchestrator_slots: v.Slots = setting(2, SLOTS, ORCHESTRATOR, "Steps of planning and publishing.")
    retriever_slots: v.Slots = setting(2, SLOTS, RETRIEVER, "Steps of searching and fetching footage.")
    speech_slots: v.Slots = setting(1, SLOTS, SPEECH, "Steps of speaking.")
    render_slots: v.Slots = setting(0, SLOTS, RENDERER, "Steps of rendering.")
    render_threads: v.Threads = setting(
        1,
        SLOTS,
        RENDERER,
        "Threads of each encoder. One thread per segment and as many segments as cores is fastest.",
    )

    pexels_api_key: v.Secret = setting(
        "", FOOTAGE, RETRIEVER, "A free key from https://www.pexels.com/api/ brings stock footage.", secret=True
    )
    pexels_base_url: v.BaseUrl = setting("https://api.pexels.com", FOOTAGE, RETRIEVER, "Address of Pexels.")
    pexels_video_prefix: v.Prefix = setting("/v1/videos", FOOTAGE, RETRIEVER, "Path of the videos of Pexels.")
    pexels_per_hour: v.Count = setting(200, FOOTAGE, RETRIEVER, "Requests to Pexels per hour that all workers share.")
    pexels_backoff: v.SecondsOrNone = setting(
        60.0, FOOTAGE, RETRIEVER, 'The pause after Pexels said "too many" without saying how long.'
    )
    pixabay_api_key: v.Secret = setting(
        "",
        FOOTAGE,
        RETRIEVER,
        "A free key from https://pixabay.com/api/docs/ brings stock footage. Answers are kept for a day in the state "
        "store, as Pixabay asks.",
        secret=True,
    )
    pixabay_base_url: v.BaseUrl = setting("https://pixabay.com/api", FOOTAGE, RETRIEVER, "Address of Pixabay.")
    pixabay_per_minute: v.Count = setting(
        100, FOOTAGE, RETRIEVER, "Requests to Pixabay per minute that all workers share."
    )
    clip_folder: v.Folder = setting(
        "", FOOTAGE, RETRIEVER, "A folder of your own clips and pictures on the machine of the retriever."
    )
    max_download_mb: v.Megabytes = setting(
        512, FOOTAGE, RETRIEVER, "The largest file that may be fetched from the web."
    )
    fetch_allow_networks: v.Networks = setting(
        "",
        FOOTAGE,
        (*RETRIEVER, *SPEECH),
        "Private networks from which media may be fetched all the same, such as 10.1.0.0/16; separated by commas.",
    )

    speech_engines: v.Names = setting(
        "",
        VOICE,
        SPEECH,
        "The speech engines of a worker in order of preference, separated by commas; empty means all that can run "
        "there. There are piper, kokoro, espeak-ng, the services kokoro-server, openai, elevenlabs and minimax, and "
        "none (no voice). Each voice of a film is spoken by one engine: the first that has it, or its language.",
    )
    piper_voices: v.Folder = setting(
        "",
        VOICE,
        SPEECH,
        "A folder with more voices of Piper on the machine of the speech service: NAME.onnx with NAME.onnx.json "
        "beside it. `./reel voices add NAME` fetches one into it.",
    )
    speech_failover_paid: v.Flag = setting(
        False,
        VOICE,
        SPEECH,
        "true: services that cost money speak where no engine before them can. false: only for requests that name one "
        "of their voices, and where SPEECH_ENGINES names the service.",
    )
    speech_timeout: v.Seconds = setting(
        60.0, VOICE, SPEECH, "A speech service that has not answered a call after this long counts as silent."
    )
    kokoro_server_url: v.BaseUrl = setting(
        "",
        VOICE,
        SPEECH,
        "Address of a Kokoro-FastAPI server, such as http://kokoro:8880; it may be a private one. Empty: none.",
    )
    kokoro_server_key: v.Secret = setting(
        "", VOICE, SPEECH, "Bearer token of the Kokoro server, if it wants one.", secret=True
    )
    kokoro_server_per_minute: v.Count = setting(
        600, VOICE, SPEECH, "Calls of the Kokoro server per minute that all workers share."
    )
    openai_speech_model: v.Name = setting(
        "",
        VOICE,
        SPEECH,
        "Model of an OpenAI-compatible speech endpoint, as its provider lists them; empty: none is used.",
    )
    openai_api_key: v.Secret = setting(
        "", VOICE, SPEECH, "Key of that endpoint; a server of your own may need none.", secret=True
    )
    openai_base_url: v.BaseUrl = setting(
        "https://api.openai.com/v1", VOICE, SPEECH, "Its address before /audio/speech; it may be a private one."
    )
    openai_speech_voices: v.Names = setting(
        "", VOICE, SPEECH, "Voices of that endpoint; empty means those of OpenAI, since it does not list them."
    )
    openai_speech_per_minute: v.Count = setting(
        60, VOICE, SPEECH, "Calls of that endpoint per minute that all workers share."
    )
    elevenlabs_api_key: v.Secret = setting(
        "", VOICE, SPEECH, "A key from https://elevenlabs.io brings its voices, which cost money.", secret=True
    )
    elevenlabs_base_url: v.BaseUrl = setting("https://api.elevenlabs.io", VOICE, SPEECH, "Address of ElevenLabs.")
    elevenlabs_model: v.Name = setting("eleven_multilingual_v2", VOICE, SPEECH, "Model of ElevenLabs.")
    elevenlabs_per_minute: v.Count = setting(
        60, VOICE, SPEECH, "Calls of ElevenLabs per minute that all workers share."
    )
    minimax_api_key: v.Secret = setting(
        "", VOICE, SPEECH, "A key from https://www.minimax.io brings its voices, which cost money.", secret=True
    )
    minimax_base_url: v.BaseUrl = setting("https://api.minimax.io", VOICE, SPEECH, "Address of MiniMax.")
    minimax_speech_model: v.Name = setting("speech-2.8-turbo", VOICE, SPEECH, "Speech model of MiniMax.")
    minimax_voices: v.Names = setting(
        "",
        VOICE,
        SPEECH,
        "Voices of MiniMax, whose ids begin with their language; empty means a few for English.",
    )
    minimax_per_minute: v.Count = setting(60, VOICE, SPEECH, "Calls of MiniMax per minute that all workers share.")
    kokoro_model: v.File = setting(
        "",
        VOICE,
        SPEECH,
        "The model of Kokoro (an ONNX file of Kokoro-82M) on the machine of the speech service; docs/voices.md says "
        "where it is. Without it there is no Kokoro.",
    )
    kokoro_voices: v.FileOrFolder = setting(
        "", VOICE, SPEECH, "The voices of Kokoro: a file such as voices-v1.0.bin, or a folder of .bin files."
    )
    voice_quality: v.VoiceQuality = setting(
        "fast",
        VOICE,
        SPEECH,
        "Which engine speaks first of those that can: fast means Piper, best means Kokoro, which takes about as long "
        "as the speech lasts. SPEECH_ENGINES overrules it.",
    )
    whisper_model: v.Text = setting(
        "",
        VOICE,
        SPEECH,
        "The model of Whisper that recognises speech: a name such as tiny, base, small, medium, large or turbo (with "
        ".en: English alone), which is downloaded when it is first needed, or the path of a checkpoint "
        "(openai-whisper) or of a folder with files of CTranslate2 (faster-whisper). It needs one of these packages, "
        "see docs/transcription.md. Empty: none.",
    )
    whisper_device: v.Device = setting(
        "auto",
        VOICE,
        SPEECH,
        "Where WHISPER_MODEL runs: on the processor, on a card of NVIDIA, or there if it has one.",
    )
    transcription_url: v.BaseUrl = setting(
        "",
        VOICE,
        SPEECH,
        "Base address of a server with the transcriptions of OpenAI, such as https://api.openai.com/v1, that "
        "recognises speech if WHISPER_MODEL is empty. While READ_BACK is true all that is spoken is sent to it.",
    )
    transcription_key: v.Secret = setting(
        "", VOICE, SPEECH, "The key to TRANSCRIPTION_URL, if it wants one.", secret=True
    )
    transcription_model: v.Text = setting(
        "whisper-1", VOICE, SPEECH, "The model that TRANSCRIPTION_URL is asked for; it must give times of words."
    )
    read_back: v.Flag = setting(
        True,
        VOICE,
        SPEECH,
        "true: where speech is recognised, every narration is read back, and one of which too much is misheard is "
        "spoken again, if need be by another engine.",
    )

    target_resolution: v.Resolution = setting(
        1080,
        FILM,
        ORCHESTRATOR,
        "The shorter side of the picture: 1080, 1080p and 1920x1080 mean the same. The shape is that of the request "
        "(`aspect`: 16:9 if it asks for nothing), so of 1080x1920 only the 1080 counts.",
    )
    ffmpeg_preset: v.Preset = setting("veryfast", FILM, ORCHESTRATOR, "Preset of x264: slower ones make smaller files.")
    ffmpeg_encoder: v.Encoder = setting(
        "auto",
        FILM,
        RENDERER,
        "auto and libx264 encode on the processor. h264_nvenc, h264_vaapi and h264_qsv use a card, if it proves to "
        "work when the worker starts: much faster, for larger files or somewhat worse pictures. All workers of a "
        "film use the same.",
    )
    segment_seconds: v.SegmentSeconds = setting(
        12.0,
        FILM,
        ORCHESTRATOR,
        "A longer scene is rendered in parts, by several workers at once; so is one of more than three shots.",
    )

    log_level: v.Level = setting("INFO", LOGS, STORE, "Lines below this level are left out.")
    log_format: v.LogFormat = setting(
        "text",
        LOGS,
        STORE,
        "`json` writes one object per line, with time, level, service, logger, message, and job, step and attempt "
        "where they are known.",
    )

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ, service: str = "") -> "Settings":
        """The settings of `read` alone."""
        return cls.read(env, service).settings

    @classmethod
    def read(cls, env: Mapping[str, str] = os.environ, service: str = "") -> "Reading[Settings]":
        """Reads variables that are set and not empty, those of one service only if it is named.

        Raises `BadSetting` with every unusable value.
        """
        return read(cls, env, service, RULES, _remarks)

    def scratch(self) -> Path | None:
        """The folder for temporary files; None means the system's own."""
        return Path(self.work_dir) if self.work_dir else None

    def slots(self, wanted: int) -> int:
        """The number of steps at once that a setting of slots stands for."""
        return wanted or usable_cores()

    def reuse_seconds(self) -> float:
        """For how long at most a result is known to other jobs."""
        return self.keep_parts_seconds if self.asset_cache_enabled else 0.0


RULES = (
    Rule(
        ("beat_seconds", "self_kill_seconds", "lease_seconds"),
        lambda one: one.beat_seconds < one.self_kill_seconds < one.lease_seconds,
        "BEAT_SECONDS < SELF_KILL_SECONDS < LEASE_SECONDS must hold",
    ),
    Rule(
        ("collect_grace_seconds", "step_timeout", "lease_seconds"),
        lambda one: one.collect_grace_seconds > max(one.step_timeout, one.lease_seconds),
        "COLLECT_GRACE_SECONDS must be longer than STEP_TIMEOUT and LEASE_SECONDS: what a running step wrote must stay",
    ),
)


def _remarks(settings: Settings, given: Mapping[str, Given]) -> Iterator[str]:
    """What whoever set a value may expect in vain."""
    # No fault, since a disk may be mounted later; films are made meanwhile.
    if settings.clip_folder and not Path(settings.clip_folder).is_dir():
        yield f"CLIP_FOLDER={settings.clip_folder} is no folder that can be seen here: until it is, no clips are found"
    if settings.enable_webhooks:
        yield "ENABLE_WEBHOOKS=true has no effect yet: requests with a callback_url are refused"
    if settings.whisper_model and settings.transcription_url:
        yield "TRANSCRIPTION_URL has no effect while WHISPER_MODEL is set: speech is recognised on this machine"
    size = given.get("target_resolution")
    if size is not None and "x" in size.text.lower():
        yield (
            f"TARGET_RESOLUTION={size.text}: its shorter side, {settings.target_resolution}, counts; "
            "the shape of a film is that of its request"
        )
