"""The commands and their options. Until one runs, only the standard library and a few small modules are imported."""

import argparse
import math
import os
import re
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from api.sdk.errors import Refused, ServiceError
from cli.errors import BAD_INPUT, FAILED, INTERRUPTED, CommandError, Interrupted, refuse
from cli.parser import Parser, Plain
from common.contracts.sources import REQUESTED

REEL = """\
Turns a prompt, a script or a list of scenes into a narrated, captioned, scored video.

commands:
  make       make a video
  voices     list the voices that narrations can have, or fetch another
  transcribe write down what is said in a sound or a film
  up         run the service on this machine until Ctrl-C
  settings   show the settings that apply, and where each comes from
  test       check the code and run the tests
  chaos      break a running system in every way we know, and see whether anything gets lost
  bench      measure speed and memory
  images     build the Docker images and try them
  cluster    try the manifests for Kubernetes on a real one
  release    write the bills of materials and the digests of those images

examples:
  ./reel make "A beautiful sunset over the ocean with waves crashing on the beach"
  ./reel make --script talk.txt --aspect 9:16 -o talk.mp4
  ./reel up --data ~/reelwright

`./reel COMMAND --help` says more about a command.
"""
MAKE = """\
Makes a video and prints its path. Captions are written beside it as .srt and .vtt.

If a Reelwright runs on this machine (./reel up) it does the work; else one is started for this video alone
and leaves nothing behind. Ctrl-C cancels. A service that runs already keeps its own settings: PEXELS_API_KEY,
CLIP_FOLDER and the like count only for one that is started here.

examples:
  ./reel make "How bees find their way home"               a few shots, 30 seconds
  ./reel make "Rain in the city" --duration 12 --aspect 1:1 --style mono --music calm
  ./reel make --script talk.txt --voice en-gb -o talk.mp4  the whole text is narrated
  ./reel make --scenes film.json --captions file           every scene as you want it

`./reel voices` lists the voices.
"""
SCENES = """\
a scenes file is a JSON list; a scene needs at least one of narration, show and media:
  [{"narration": "We start at the harbour.", "media": "harbour.jpg"},
   {"narration": "Then the storm comes.", "show": "storm waves at sea", "duration": 6},
   {"show": "calm sea at dawn", "media": "https://example.org/dawn.mp4"}]
media is a file (beside the list), a web address, or the id of an uploaded asset.

exit codes: 0 the video is there, 1 it could not be made or is elsewhere, 2 something asked for is wrong, 130 Ctrl-C
"""
VOICES = """\
Lists the voices for `make --voice`: of a Reelwright that runs on this machine, else of one that is started for this
and ends again.

examples:
  ./reel voices
  ./reel voices --language de    those that speak German
  ./reel voices add de_DE-thorsten-medium
"""
ADD_VOICE = """\
Fetches a voice of Piper (two files, some 60 MB) into the folder of PIPER_VOICES, or into .reel/voices, where ./reel up
and ./reel make look. docs/voices.md names some that anybody may use for anything.

examples:
  ./reel voices add en_US-ljspeech-medium
  ./reel voices add de_DE-thorsten-medium --folder ~/voices
"""
TRANSCRIBE = """\
Writes down what is said in a sound or a film, with caption files if you want. With --script its words are the text,
and the recogniser only says when each is heard. Needs a worker with a recogniser: docs/transcription.md.

examples:
  ./reel transcribe talk.mp3 --srt talk.srt
  ./reel transcribe talk.mp4 --script talk.txt --vtt talk.vtt
  WHISPER_MODEL=base ./reel transcribe talk.wav --language de

exit codes: 0 it is written down, 1 it could not be, 2 something asked for is wrong, 130 Ctrl-C
"""
UP = """\
Runs Redis, an object store and the five services in the foreground until Ctrl-C, and shows what they log.
The API listens on API_HOST and API_PORT, or on http://127.0.0.1:8080; the options below go before these. There are
no keys yet: whoever reaches the address can use the service.

Settings are read from the environment and from a file .env beside reel; docs/configuration.md explains them all, and
./reel settings shows those that apply. The addresses and keys of Redis and S3 are those of the stores it starts.

examples:
  ./reel up                        jobs and videos are gone when it ends
  ./reel up --data ~/reelwright    they are kept between runs
  PEXELS_API_KEY=... ./reel up     with stock footage
  ./reel up --data ~/reelwright --repair    when the record of jobs there is damaged
"""
SETTINGS = """\
Shows every setting as a service that is started here would read it, from the environment and a file .env beside reel,
and where its value comes from. Secrets are hidden. docs/configuration.md explains them all.

examples:
  ./reel settings                     NAME=value, and default, environment or .env
  ./reel settings --write             makes .env.example and the tables of docs/configuration.md anew from the code

exit codes: 0 all settings can be used, 2 some cannot
"""
TEST = """\
Runs the linters, the type checker, the import rules and the tests.

examples:
  ./reel test                            everything that is not slow
  ./reel test --all                      the slow tests too
  ./reel test tests/unit -k storyboard   only pytest, with these arguments
  ./reel test --cov                      and which lines no test has run (those of other processes do not count)
"""
CHAOS = """\
Starts the whole system with small videos, gives it jobs, and kills, freezes, fills up, damages and restarts its parts
at random, at moments when that hits steps under way. Then it lets the system recover, waits for all jobs and checks
that none is lost, that every result is whole and there once, that lost steps were ready again in time, and that no
process, file, lease, message or key is left over. With --data, usage.csv there has the use of memory, files and stores
over time; a run of ten minutes or more shows it, and fails if it grows. Needs no root; full disks and --hosts do.

examples:
  ./reel chaos                             60 seconds of faults, a random seed
  ./reel chaos --seconds 120 --seed 7      the same faults in the same order as anybody else with seed 7
  ./reel chaos --soak --data soak          two hours with a fault every 5 seconds
  ./reel chaos --hosts                     API, Redis, S3 and each worker on a host of its own; links are cut, too

exit codes: 0 nothing was lost, 1 something was, 130 Ctrl-C
"""
BENCH = """\
Runs the benchmarks: the figures are ratios within one run, since machines differ and are seldom quiet.

examples:
  ./reel bench                         all of them, which takes an hour
  ./reel bench render                  the pipeline against one ffmpeg command, at full size
  ./reel bench orchestration --quick   one of them, at small counts
  ./reel bench alignment               how exactly it is known when words are heard
  ./reel bench voices                  speech engines: speed, memory, and how many words are understood
  ./reel bench scaling                 a cluster with 1 to 64 renderers, simulated with step times that were measured
"""


IMAGES = """\
Builds the images of infra/docker, runs docker-compose.yml with them, makes a film, opens its link, grows, kills,
cuts off, pauses and restarts parts, and takes everything down again. It needs Docker; where no engine answers and this
is run as root with dockerd installed, it starts one of its own. Where no registry answers, stand-ins take the places of
the base images. The images stay in the engine, tagged dev; ./reel release writes their papers.

examples:
  ./reel images                    some minutes; what is left is the build cache in .reel/images
  ./reel images --data /big/disk   keep that somewhere else
  ./reel images --python 3.12      images with the other Python; they replace those that are there

exit codes: 0 all is well, 1 it is not, or it cannot be tried here
"""
CLUSTER = """\
Builds Kubernetes 1.20 from Debian's source, once, and starts a node of it: API server, controllers, scheduler, kubelet
and kube-proxy. Then it applies the overlay dev of infra/k8s with the images of this source, makes a film through the
Service, upgrades the API and the renderer while requests and jobs go on, and takes one of two busy renderers away.
Both overlays are held to the API server before; docs/kubernetes.md lists what is rewritten for that old version.

It runs as root on Debian 12, in namespaces of its own for processes, mounts and the network: they end with it.

examples:
  ./reel cluster                       five minutes with two cores; ten more the first time, for Kubernetes
  ./reel cluster --kubernetes /opt/k8s --data /big/disk    where Kubernetes and the images are, or will be

exit codes: 0 all is well, 1 it is not, or it cannot be tried here, 130 Ctrl-C
"""
RELEASE = """\
Writes the papers of the images that ./reel images has built: for each a bill of materials (TARGET.cdx.json: CycloneDX
1.6, with the packages of Python and of Debian, their versions, and the licences and hashes that are known), and a
digests.json with the identifier, the size, the source and, once it was pushed, the digests of each. The images are
asked themselves, by programs that are started in them without a network. What speaks against handing them out is a
warning.

examples:
  ./reel release release-0.1.0                    of the images tagged dev
  ./reel release release-0.1.0 --tag 0.1.0        of reelwright/api:0.1.0 and so on

exit codes: 0 all is written, 1 no engine answers, an image is missing or cannot say what is in it, or they are of
different sources, 2 FOLDER cannot be used
"""


MIN_SECONDS, MAX_SECONDS, MAX_SEED = 3, 3600, 2**31 - 1
MAX_CHAOS_SECONDS, MIN_GAP, MAX_GAP = 7 * 24 * 3600, 0.2, 600
STYLES = ("cinematic", "documentary", "vivid", "mono", "vintage", "minimal")
TELL_MORE = ("make",)
"Commands that find more faults, in files and words, and tell them together with those of the options."
TRANSITIONS = ("cut", "crossfade", "dip-black", "dip-white", "wipe", "slide", "zoom")


def main(arguments: list[str]) -> int:
    parser = _parser()
    if not arguments:
        parser.print_help()
        return BAD_INPUT
    options, rest = parser.parse_known_args(arguments)
    if options.command == "test":
        options.pytest = rest
    else:
        options.faults += _unknown(rest)
    if options.faults:
        options.faults[-1] += f" (see reel {options.command} --help)"
    _heed_signals()
    try:
        if options.command not in TELL_MORE:
            refuse(options.faults)
        return int(_command(options.command)(options))
    except CommandError as error:
        _tell(error)
        return error.code
    except ServiceError as error:
        _tell(error)
        return BAD_INPUT if isinstance(error, Refused) else FAILED
    except BrokenPipeError:
        # Whoever read us is gone; what Python still wants to write on its way out goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        print("\nreel: stopped.", file=sys.stderr)
        return INTERRUPTED
    except Interrupted as stop:
        return stop.code


def _tell(error: Exception) -> None:
    """What was wrong, a line for each fault."""
    print("\n".join(f"reel: {line}" for line in str(error).splitlines()), file=sys.stderr)


def _unknown(rest: Sequence[str]) -> list[str]:
    """The faults of arguments that nobody takes. Words behind options that are unknown may be theirs."""
    options = [word for word in rest if word.startswith("-")]
    return [f"unknown argument: {word}" for word in options or rest]


def _command(name: str) -> Callable[[argparse.Namespace], int]:
    if name == "make":
        from cli.make import make

        return make
    if name == "voices add":
        from cli.add_voice import add_voice

        return add_voice
    if name == "voices":
        from cli.voices import voices

        return voices
    if name == "transcribe":
        from cli.transcribe import transcribe

        return transcribe
    if name == "up":
        from cli.up import up

        return up
    if name == "settings":
        from cli.settings import settings

        return settings
    if name == "chaos":
        from cli.chaos import chaos

        return chaos
    if name == "images":
        from cli.images import images

        return images
    if name == "cluster":
        from cli.cluster import cluster

        return cluster
    if name == "release":
        from cli.release import release

        return release
    if name == "bench":
        from cli.bench import bench

        return bench
    from cli.checks import test

    return test


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="reel", description=REEL, usage="./reel COMMAND [options]", add_help=False)
    parser.add_argument("-h", "--help", action="help", help=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, help=argparse.SUPPRESS)
    _add_make(commands.add_parser("make", prog="reel make", description=MAKE, epilog=SCENES, formatter_class=Plain))
    _add_voices(commands.add_parser("voices", prog="reel voices", description=VOICES, formatter_class=Plain))
    _add_transcribe(
        commands.add_parser("transcribe", prog="reel transcribe", description=TRANSCRIBE, formatter_class=Plain)
    )
    up = commands.add_parser("up", prog="reel up", description=UP, formatter_class=Plain)
    up.add_argument("--data", type=Path, metavar="DIR", help="keep jobs, assets and videos here")
    up.add_argument("--repair", action="store_true", help="with --data: cut off a damaged record of jobs, keep a copy")
    up.add_argument("--host", help="address to listen on (API_HOST, else 127.0.0.1)")
    up.add_argument("--port", type=_port, help="of the API (API_PORT, else 8080)")
    settings = commands.add_parser("settings", prog="reel settings", description=SETTINGS, formatter_class=Plain)
    settings.add_argument("--write", action="store_true", help="make the documents of the settings anew")
    test = commands.add_parser("test", prog="reel test", description=TEST, formatter_class=Plain)
    test.add_argument("--all", action="store_true", help="the slow tests too")
    test.add_argument("--cov", action="store_true", help="and which lines no test has run")
    chaos = commands.add_parser("chaos", prog="reel chaos", description=CHAOS, formatter_class=Plain)
    chaos.add_argument("--seconds", type=_of_chaos, metavar="S", help="of faults (60; with --soak 7200)")
    chaos.add_argument("--gap", type=_gap, metavar="S", help="seconds between two faults on average (2; with --soak 5)")
    chaos.add_argument("--soak", action="store_true", help="for two hours, with a fault every 5 s")
    chaos.add_argument("--hosts", action="store_true", help="each program on a host of its own; links are cut (root)")
    chaos.add_argument("--seed", type=_seed, metavar="N", help="of the faults (a random one, which is told)")
    chaos.add_argument("--jobs", type=_count, default=8, metavar="N", help="at most so many jobs at a time (8)")
    chaos.add_argument("--data", type=Path, metavar="DIR", help="keep state, objects and logs in this new folder")
    images = commands.add_parser("images", prog="reel images", description=IMAGES, formatter_class=Plain)
    images.add_argument("--data", type=Path, metavar="DIR", help="data and logs of an engine of its own (.reel/images)")
    images.add_argument("--python", choices=("3.11", "3.12"), help="in the images (3.11)")
    cluster = commands.add_parser("cluster", prog="reel cluster", description=CLUSTER, formatter_class=Plain)
    cluster.add_argument("--kubernetes", type=Path, metavar="DIR", help="where Kubernetes is built (.reel/kubernetes)")
    cluster.add_argument("--data", type=Path, metavar="DIR", help="that of ./reel images (.reel/images)")
    release = commands.add_parser("release", prog="reel release", description=RELEASE, formatter_class=Plain)
    release.add_argument("folder", type=Path, metavar="FOLDER", help="a new or an empty folder")
    release.add_argument("--tag", default="dev", help="of the images (dev)")
    release.add_argument("--data", type=Path, metavar="DIR", help="that of ./reel images, if it had one (.reel/images)")
    bench = commands.add_parser("bench", prog="reel bench", description=BENCH, formatter_class=Plain)
    bench.add_argument("name", nargs="?", metavar="NAME", help="a folder of benchmarks/ (all of them)")
    bench.add_argument("--quick", action="store_true", help="small counts and pictures, a minute or two")
    bench.add_argument("--pairs", type=_count, metavar="N", help="rounds in which competitors take turns (5)")
    bench.add_argument("--check", action="store_true", help="fail when a ratio is worse than promised")
    bench.add_argument("--save", action="store_true", help="keep the figures in benchmarks/results/")
    bench.add_argument("--measure", action="store_true", help="scaling: take its step times anew, half an hour")
    bench.add_argument("--data", type=Path, metavar="DIR", help="where footage is made, once, and films (.reel/bench)")
    return parser


def _add_make(make: argparse.ArgumentParser) -> None:
    make.usage = "reel make (PROMPT | --script FILE | --scenes FILE | --recording FILE) [options]"
    _add_subject(make.add_argument_group("what it is about (one of these)"))
    _add_look_and_sound(make.add_argument_group("how it looks and sounds"))
    _add_places(make.add_argument_group("where"))


def _add_subject(group: argparse._ArgumentGroup) -> None:
    group.add_argument("prompt", nargs="?", metavar="PROMPT", help="a line, or a few sentences to be narrated")
    group.add_argument("--script", metavar="FILE", help="a text to be narrated")
    group.add_argument("--scenes", metavar="FILE", help="a JSON list of scenes (see below)")


def _add_look_and_sound(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--duration", type=_seconds, metavar="S", help="length in seconds (a one-line prompt: 30)")
    group.add_argument("--aspect", choices=("16:9", "9:16", "1:1", "4:5"), help="shape of the picture (16:9)")
    group.add_argument("--style", choices=STYLES, metavar="STYLE", help=f"{', '.join(STYLES)} (cinematic)")
    group.add_argument(
        "--voice",
        metavar="VOICE",
        help="one of `./reel voices`, a wish such as en-US-female, or none: captions only (the language's own)",
    )
    group.add_argument(
        "--recording",
        metavar="FILE",
        help="your own voice: the words of --script or --scenes are found in it; alone, what is said is recognised",
    )
    group.add_argument("--speed", type=_speed, metavar="X", help="of the voice: 0.5 to 2 times its own (1)")
    group.add_argument("--pitch", type=_pitch, metavar="N", help="of the voice: -12 to 12 semitones from its own (0)")
    group.add_argument("--language", metavar="TAG", help="of the narration, such as en or pt-BR (en)")
    group.add_argument(
        "--footage",
        choices=("auto", *REQUESTED),
        help="where pictures come from; auto: from every source there is, in this order (auto)",
    )
    group.add_argument(
        "--fit",
        choices=("smart", "cover", "contain-blur"),
        help="cut towards what moves, cut around the middle, or whole before a blurred copy (smart)",
    )
    group.add_argument(
        "--music", metavar="MUSIC", help="auto, none, calm, uplifting, dramatic, playful or a sound file (auto)"
    )
    group.add_argument(
        "--captions", choices=("burn", "file", "none"), help="in the picture and as files, files only, none (burn)"
    )
    group.add_argument("--size", metavar="WxH", help="of the picture in pixels, up to 3840x2160 (1080 lines)")
    group.add_argument("--fps", choices=(24, 25, 30, 50, 60), help="pictures per second (30)")
    group.add_argument("--quality", choices=("draft", "standard", "high"), help="care for the picture (standard)")
    group.add_argument("--draft", action="store_true", help="small and quick, to be looked at first")
    group.add_argument(
        "--transition",
        choices=("auto", *TRANSITIONS),
        metavar="KIND",
        help=f"{', '.join(TRANSITIONS)}; auto: the style's (auto)",
    )
    group.add_argument("--title", metavar="TEXT", help="a title card before the first scene")
    group.add_argument("--end-card", metavar="TEXT", help="an end card with the credits behind the last scene")
    group.add_argument("--watermark", metavar="MARK", help="a picture file or a short text in a corner of every frame")
    group.add_argument("--seed", type=_seed, metavar="N", help="another number gives other scenery and music (0)")
    group.add_argument(
        "--on-failure",
        choices=("fail", "fallback", "partial"),
        help="a scene that cannot be made as asked: fail, show something else, leave it out (fallback)",
    )


def _add_places(group: argparse._ArgumentGroup) -> None:
    group.add_argument("-o", "--output", metavar="OUT.mp4", help="file or folder (a name from the first words, here)")
    group.add_argument("--export", metavar="FILE.zip", help="the timeline with its media too, for an editor")
    group.add_argument("--server", type=_address, metavar="URL", help="the Reelwright that does the work")
    group.add_argument("--data", type=Path, metavar="DIR", help="run a private stack that keeps jobs and logs here")


def _add_voices(voices: argparse.ArgumentParser) -> None:
    voices.add_argument("--language", metavar="TAG", help="only voices that speak it, such as en or pt-BR")
    voices.add_argument("--engine", metavar="NAME", help="only voices of this speech engine")
    voices.add_argument("--server", type=_address, metavar="URL", help="the Reelwright that is asked")
    voices.add_argument("--data", type=Path, metavar="DIR", help="start a private stack that keeps its logs here")
    actions = voices.add_subparsers(metavar="[add NAME]")
    add = actions.add_parser("add", prog="reel voices add", description=ADD_VOICE, formatter_class=Plain)
    add.set_defaults(command="voices add")
    add.add_argument("name", metavar="NAME", help="language, name and quality, such as en_US-ljspeech-medium")
    add.add_argument("--folder", type=Path, metavar="DIR", help="where it is put")
    add.add_argument("--source", metavar="URL", help="another server with the same files (huggingface.co)")


def _add_transcribe(transcribe: argparse.ArgumentParser) -> None:
    transcribe.add_argument("file", metavar="FILE", help="a sound or a film, of up to two hours")
    transcribe.add_argument("--script", metavar="FILE", help="a text with the words that are said")
    transcribe.add_argument("--language", metavar="TAG", help="such as en or pt-BR (the recogniser finds out)")
    transcribe.add_argument("--srt", metavar="OUT", help="write captions for players and editors")
    transcribe.add_argument("--vtt", metavar="OUT", help="write captions for web pages")
    transcribe.add_argument("--server", type=_address, metavar="URL", help="the Reelwright that is asked")
    transcribe.add_argument("--data", type=Path, metavar="DIR", help="start a private stack that keeps its logs here")


def _seconds(text: str) -> float:
    return _span(text, MIN_SECONDS, MAX_SECONDS)


def _speed(text: str) -> float:
    return _number(text, 0.5, 2, "a number")


def _pitch(text: str) -> float:
    return _number(text, -12, 12, "a number of semitones")


def _of_chaos(text: str) -> float:
    return _span(text, MIN_SECONDS, MAX_CHAOS_SECONDS)


def _gap(text: str) -> float:
    return _span(text, MIN_GAP, MAX_GAP)


def _span(text: str, least: float, most: float) -> float:
    return _number(text, least, most, "a number of seconds")


def _number(text: str, least: float, most: float, what: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not least <= number <= most:
        raise ValueError(f"must be {what} from {least:g} to {most:g}")
    return number


def _address(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError(f"must be an http or https address, not {text}")
    return text


def _seed(text: str) -> int:
    return _whole(text, 0, MAX_SEED)


def _count(text: str) -> int:
    return _whole(text, 1, 1000)


def _port(text: str) -> int:
    return _whole(text, 1, 65535)


def _whole(text: str, least: int, most: int) -> int:
    number = int(text) if re.fullmatch(r"[0-9]{1,10}", text) else -1
    if not least <= number <= most:
        raise ValueError(f"must be a whole number from {least} to {most}")
    return number


def _heed_signals() -> None:
    """A closed terminal or a polite kill must clean up like Ctrl-C does."""

    def interrupt(number: int, _: object) -> NoReturn:
        raise Interrupted(number)

    # A shell tells what it starts with & to ignore Ctrl-C; whoever sends the signal by hand still means it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGHUP, interrupt)
