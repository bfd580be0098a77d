"""`ferlite run` and `ferlite demo`: faces and emotions of a source, frame after frame."""

import argparse
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Thread
from typing import TextIO

from tqdm import tqdm

from ferlite import cards, demo
from ferlite.capture import open_source
from ferlite.capture.camera import Camera, shown, with_password
from ferlite.capture.live import LiveSource
from ferlite.capture.picamera import PiCamera
from ferlite.cli.heartbeat import Heartbeat
from ferlite.cli.options import (
    Commands,
    add_model_options,
    make_recognizer,
    not_negative,
    positive,
    positive_int,
    size,
    timeout,
    web_address,
)
from ferlite.cli.progress import progress_bar
from ferlite.errors import SettingError
from ferlite.pipeline import Pipeline
from ferlite.sinks.csv import CsvFile
from ferlite.sinks.jsonl import JsonLines
from ferlite.sinks.mqtt import EVERY as SUMMARY_EVERY
from ferlite.sinks.mqtt import PREFIX, Mqtt
from ferlite.sinks.video import AnnotatedVideo
from ferlite.sinks.window import Window
from ferlite.smoothing import SECONDS
from ferlite.tracking import EVERY
from ferlite.types import FrameResult, Sink
from ferlite.web import HOST, PORT

PATIENCE = 1.0  # seconds for threads to end: one that waits for a silent camera takes longer, and is left behind


def add_to(commands: Commands) -> None:
    run = commands.add_parser("run", help="faces and emotions live from a camera or stream, or from a video file")
    run.add_argument(
        "place",
        nargs="?",
        metavar="SOURCE",
        help="camera number, picamera (a Raspberry Pi's camera module), URL of a stream, video file, or folder or "
        "pattern of pictures, which are taken for a film: for separate photos there is `ferlite image` (default: 0)",
    )
    run.add_argument("--source", metavar="SOURCE", help="the same")
    run.add_argument("--output", metavar="FILE.mp4", help="write the video with the faces drawn in")
    run.add_argument("--jsonl", metavar="FILE", help="write one JSON object a frame; - is standard output")
    run.add_argument(
        "--csv", metavar="FILE", help="write one row a face, and one for each frame without; - is standard output"
    )
    run.add_argument("--show", action="store_true", help="show the faces in a window; q ends")
    _add_web_options(run)
    run.add_argument("--frames", type=positive_int, metavar="N", help="stop after N frames")
    _add_mqtt_options(run)
    _add_source_options(run)
    _add_time_options(run)
    add_model_options(run)
    run.set_defaults(command=_run)

    demo_parser = commands.add_parser(
        "demo", help="the live pipeline on a synthetic camera: needs no camera, no network"
    )
    demo_parser.add_argument("--seconds", type=positive, default=10.0, metavar="S", help="how long (default: 10)")
    demo_parser.add_argument(
        "--output",
        default="ferlite-demo.mp4",
        metavar="FILE.mp4",
        help="the annotated clip (default: ferlite-demo.mp4)",
    )
    _add_web_options(demo_parser)
    add_model_options(demo_parser)
    demo_parser.set_defaults(command=_demo, jsonl=None, csv=None, mqtt=None, show=False, frames=None, tracking=True)


def _add_mqtt_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("MQTT")
    group.add_argument(
        "--mqtt",
        metavar="URL",
        help="send changes and summaries to a broker: mqtt[s]://[user[:password]@]host[:port][/topic]; the password is "
        "better given by the environment variable FERLITE_MQTT_PASSWORD",
    )
    group.add_argument("--mqtt-ca", metavar="FILE", help="certificate of the authority that vouches for the broker")
    group.add_argument(
        "--mqtt-every",
        type=positive,
        default=SUMMARY_EVERY,
        metavar="S",
        help=f"seconds between two summaries (default: {SUMMARY_EVERY:g})",
    )
    group.add_argument(
        "--no-mqtt-discovery",
        dest="mqtt_discovery",
        action="store_const",
        const=None,
        default=PREFIX,
        help="tell Home Assistant nothing",
    )


def _add_web_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--web",
        type=web_address,
        nargs="?",
        const=(HOST, PORT),
        metavar="HOST:PORT",
        help=f"show it in a browser, at {HOST}:{PORT} where no other address is given; 0.0.0.0:{PORT} is for the whole "
        "network, by a token",
    )
    parser.add_argument(
        "--web-token",
        metavar="TOKEN",
        help="ask viewers for this token; in the environment, as FERLITE_WEB_TOKEN, it does not stand in the list of "
        "processes (default: one made at random, and none where only this machine reaches the address)",
    )


def _add_source_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("source")
    group.add_argument("--size", type=size, metavar="WxH", help="size to ask the camera for (default: 640x480)")
    group.add_argument(
        "--fps",
        type=positive,
        metavar="N",
        help="rate to ask the camera for, or of a folder of pictures (default: 30)",
    )
    group.add_argument(
        "--timeout",
        type=timeout,
        default=10.0,
        metavar="S",
        help="give up a live source after S seconds without a picture; it is reconnected in the meantime; inf never "
        "gives up (default: 10)",
    )
    group.add_argument("--replay", action="store_true", help="play a file at its own pace, like a camera")
    group.add_argument(
        "--max-fps",
        type=positive,
        metavar="N",
        help="take at most N frames a second, for a cooler board; a file then takes longer",
    )


def _add_time_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("faces over time")
    group.add_argument(
        "--search-every",
        type=positive_int,
        default=EVERY,
        metavar="N",
        help="search the whole picture every N frames, and near the known faces in between; 1 finds most and takes the "
        f"longest (default: {EVERY})",
    )
    group.add_argument(
        "--classify-every",
        type=positive_int,
        default=1,
        metavar="N",
        help="read the emotion of a known face every N frames (default: 1)",
    )
    group.add_argument(
        "--smoothing",
        type=not_negative,
        default=SECONDS,
        metavar="S",
        help=f"time constant of the running mean that keeps labels steady; 0 for none (default: {SECONDS:g})",
    )
    group.add_argument(
        "--no-tracking", dest="tracking", action="store_false", help="every frame by itself: no numbers, no smoothing"
    )


def _run(options: argparse.Namespace) -> int:
    if options.place is not None and options.source is not None:
        raise SettingError(f"there are two sources, {shown(options.place)} and {shown(options.source)}; give one")
    place = options.place or options.source or "0"
    places = [place, options.output, options.jsonl, options.csv]
    files = [os.path.realpath(path) for path in places if path not in (None, "-")]
    if len(set(files)) < len(files) or places.count("-") > 1:
        raise SettingError("the source, --output, --jsonl and --csv have to be different files")
    if options.mqtt_ca is not None and options.mqtt is None:
        raise SettingError("--mqtt-ca is for --mqtt mqtts://…")
    if options.mqtt is not None and not options.tracking:
        raise SettingError("--mqtt sends changes, which need tracking; leave --no-tracking out")
    color = options.show or options.output is not None or cards.find(options.model).color != "grey"
    recognizer = make_recognizer(options)
    # in a thread of its own: a signal is not heard while the main one waits for a silent server
    opener = ThreadPoolExecutor(1, "ferlite open")
    address = with_password(place, os.environ.get("FERLITE_STREAM_PASSWORD", ""))
    opening = opener.submit(open_source, address, options.size, options.fps, options.timeout, options.replay, color)
    opener.shutdown(wait=False)
    source = opening.result()
    if isinstance(source, Camera | PiCamera):
        print(f"{source.name}: {source.settings}", file=sys.stderr)
    pipeline = Pipeline(
        source,
        recognizer,
        tracking=options.tracking,
        search_every=options.search_every,
        classify_every=options.classify_every,
        smoothing=options.smoothing,
        max_fps=options.max_fps,
    )
    _follow(pipeline, options)
    return 0


def _demo(options: argparse.Namespace) -> int:
    recognizer = make_recognizer(options)
    with demo.synthetic_camera(options.seconds) as source:
        print(f"A moving portrait as a camera, {demo.FPS:g} pictures a second, for {options.seconds:g} s")
        _follow(Pipeline(source, recognizer), options)
    print(f"Look at the clip: {options.output}")
    return 0


def _follow(pipeline: Pipeline, options: argparse.Namespace) -> None:
    """Send every result to the sinks asked for, print each change of the emotions, and sum up at the end."""
    source = pipeline.source
    talk = sys.stderr if "-" in (options.jsonl, options.csv) else sys.stdout
    with_faces = 0
    if options.web is None and options.web_token is not None:
        raise SettingError("--web-token is for --web, which was not given")
    with ExitStack() as stack:
        # runs last, also when the run is interrupted or fails: no frame is under way any more
        stack.callback(lambda: _sum_up(pipeline, with_faces, talk))
        closer = Thread(target=pipeline.close, name="ferlite close", daemon=True)
        stack.callback(_finish, closer)
        sinks: list[Sink] = []
        if options.jsonl is not None:
            sinks.append(stack.enter_context(JsonLines(options.jsonl)))
        if options.csv is not None:
            sinks.append(stack.enter_context(CsvFile(options.csv, pipeline.recognizer.classifier.labels)))
        if options.mqtt is not None:
            broker = _open_mqtt(options)
            stack.callback(lambda: _say_lost(broker, talk))
            sinks.append(stack.enter_context(broker))
        if options.output is not None:
            video = AnnotatedVideo(options.output, source.fps or 30.0, paced=source.live)
            stack.callback(lambda: _say_left_out(video, talk))
            sinks.append(stack.enter_context(video))
        if options.web is not None:
            sinks.append(stack.enter_context(_preview(options, talk)))
        window = stack.enter_context(Window()) if options.show else None
        if window is not None:
            sinks.append(window)
        emotions: list[tuple[int | None, str]] = []
        heartbeat = stack.enter_context(Heartbeat(pipeline))
        bar = stack.enter_context(progress_bar(total=options.frames or source.total, unit="frame"))
        stack.callback(closer.start)  # while the outputs end
        for result in pipeline:
            for sink in sinks:
                sink.write(result)
            heartbeat.beat(result)
            bar.update()
            with_faces += bool(result.faces)
            now = [(face.track_id, face.label) for face in result.faces]
            if options.tracking:
                now.sort()  # the order by size says nothing about who is who
            if now != emotions:
                emotions = now
                tqdm.write(_result_line(result), file=talk)
            if pipeline.stats.count == options.frames or (window is not None and window.closed):
                break


def _preview(options: argparse.Namespace, file: TextIO) -> Sink:
    from ferlite.web.server import WebPreview  # brings asyncio along, which no other command needs

    token = os.environ.get("FERLITE_WEB_TOKEN") or None if options.web_token is None else options.web_token
    host, port = options.web
    preview = WebPreview(host, port, token)
    print(f"Live preview: {preview.url}", file=file, flush=True)
    return preview


def _finish(closer: Thread) -> None:
    if closer.ident is None:  # an output could not be opened
        closer.start()
    closer.join(PATIENCE)


def _open_mqtt(options: argparse.Namespace) -> Mqtt:
    password = os.environ.get("FERLITE_MQTT_PASSWORD")
    return Mqtt(options.mqtt, password, options.mqtt_ca, options.mqtt_every, options.mqtt_discovery)


def _sum_up(pipeline: Pipeline, with_faces: int, file: TextIO) -> None:
    stats, source = pipeline.stats, pipeline.source
    if stats.count == 0:
        return  # an error is on its way that says why
    text = f"{stats.count} frames, a face in {with_faces}"
    if stats.count > 1:
        text += (
            f"; {stats.throughput:.1f} frames per second; latency p50 {stats.latency(50) * 1000:.1f} ms, "
            f"p95 {stats.latency(95) * 1000:.1f} ms"
        )
    if source.live:
        text += f"; {pipeline.dropped} of {pipeline.seen} dropped for newer ones"
        if isinstance(source, LiveSource) and source.reconnects:
            text += f"; reconnections: {source.reconnects}"
    tqdm.write(text, file=file)


def _say_left_out(video: AnnotatedVideo, file: TextIO) -> None:
    if video.dropped:
        tqdm.write(
            f"{video.path}: {video.dropped} frames were left out, as they came faster than they encode", file=file
        )


def _say_lost(broker: Mqtt, file: TextIO) -> None:
    if broker.dropped:
        tqdm.write(f"--mqtt: messages that did not reach the broker: {broker.dropped}", file=file)


def _result_line(result: FrameResult) -> str:
    faces = sorted(result.faces, key=lambda face: face.track_id or 0)
    return f"{result.frame.seq:6d}  {', '.join(map(str, faces)) or 'no face'}"
