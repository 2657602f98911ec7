"""The ``dojo`` command. Each subcommand imports what it needs, so that the others stay quick."""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

HOST = "127.0.0.1"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the subcommand that ``arguments`` (the command line's by default) name; the exit code."""
    options = parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except ValidationError as error:
        wrong = "\n".join(f"  {'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        print(f"dojo: settings are missing or wrong:\n{wrong}", file=sys.stderr)
        return 2
    return code


def parser() -> argparse.ArgumentParser:
    """The command line; its help is the list of subcommands."""
    top = argparse.ArgumentParser(prog="dojo", description="Live Dojo: a live coding dojo that runs itself.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    add = commands.add_parser("up", help="run everything on this machine until Ctrl-C")
    add.add_argument("--gateways", type=int, default=1, choices=range(1, 9), metavar="N", help="1 to 8 (default 1)")
    add.set_defaults(run=run_up)

    add = commands.add_parser("serve", help="serve packages: web, gateway, or any of their names")
    add.add_argument("modules", nargs="+", metavar="MODULE", help="web, gateway, identity, rooms, catalog, …")
    listens(add, 8080)
    add.set_defaults(run=run_serve)

    add = commands.add_parser("worker", help="run jobs and listeners (Celery)")
    add.add_argument("--processes", type=int, default=1, metavar="N", help="worker processes (default 1)")
    listens(add, 8090)
    add.set_defaults(run=run_worker)

    add = commands.add_parser("relay", help="move announced events from the database to the workers")
    listens(add, 8091)
    add.set_defaults(run=run_relay)

    add = commands.add_parser("provision", help="make PostgreSQL's roles and database (DOJO_ADMIN_URL)")
    add.set_defaults(run=run_provision)

    add = commands.add_parser("migrate", help="bring the database's schema up to date (DOJO_MIGRATION_URL)")
    add.set_defaults(run=run_migrate)

    add = commands.add_parser("restored", help="say that the database was restored from a backup (DOJO_MIGRATION_URL)")
    add.set_defaults(run=run_restored)

    add = commands.add_parser("keys", help="make the keys that sign access tokens, unless they are there")
    add.set_defaults(run=run_keys)

    add = commands.add_parser("healthy", help="ask whether the process at a port of this machine takes work")
    add.add_argument("port", type=int)
    add.set_defaults(run=run_healthy)

    add = commands.add_parser("livekit", help="find or build the LiveKit server and print its path")
    add.set_defaults(run=run_livekit)

    add = commands.add_parser("wire", help="write the reference documents and the client's types")
    add.add_argument("--check", action="store_true", help="write nothing; fail when they are out of date")
    add.set_defaults(run=run_wire)

    add = commands.add_parser("demo", help="fill a running installation with people, dojos and POCs to look at")
    add.add_argument("--address", help="where it runs (default: the one on this data folder)")
    add.set_defaults(run=run_demo)

    add = commands.add_parser("doctor", help="say what is missing here and how to get it")
    add.set_defaults(run=run_doctor)
    return top


def listens(command: argparse.ArgumentParser, port: int) -> None:
    """Give ``command`` the options of a process that listens."""
    command.add_argument("--host", default=HOST, help=f"address to listen on (default {HOST})")
    command.add_argument("--port", type=int, default=port, help=f"port to listen on (default {port})")


def run_up(options: argparse.Namespace) -> int:
    """Run the whole installation."""
    from app.folder import Folder, FolderTaken
    from app.installation import PortTaken
    from app.parts import PartFailed
    from app.settings import InstallationSettings
    from app.supervisor import up

    settings = InstallationSettings()
    folder = Folder(settings.data)
    try:
        with folder.taken():
            asyncio.run(up(settings, folder, options.gateways, say))
    except (FolderTaken, PartFailed, PortTaken) as error:
        print(f"dojo: {error}", file=sys.stderr)
        return 1
    return 0


def say(word: str) -> None:
    """One short word to the terminal."""
    print(f"dojo: {word}", flush=True)


def run_serve(options: argparse.Namespace) -> int:
    """Serve packages in this process."""
    from app.processes import UnknownModule, serve

    try:
        return serve(options.modules, options.host, options.port)
    except UnknownModule as error:
        print(f"dojo: {error}", file=sys.stderr)
        return 2


def run_worker(options: argparse.Namespace) -> int:
    """Be a worker. The metrics of its children meet in a folder that must be named before they are imported."""
    with tempfile.TemporaryDirectory(prefix="dojo-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        from app.worker import worker

        return worker(options.processes, options.host, options.port)


def run_relay(options: argparse.Namespace) -> int:
    """Be the relay."""
    from app.processes import relay

    return relay(options.host, options.port)


def run_provision(_: argparse.Namespace) -> int:
    """Make roles and database."""
    from app.provision import ProvisionFailed, provision
    from app.settings import ProvisionSettings

    settings = ProvisionSettings()
    try:
        provision(str(settings.admin_url), str(settings.migration_url), str(settings.database_url))
    except ProvisionFailed as error:
        print(f"dojo: {error}", file=sys.stderr)
        return 1
    return 0


def run_migrate(_: argparse.Namespace) -> int:
    """Migrate."""
    from app.migrate import migrate
    from app.settings import MigrationSettings

    say(f"the database is at revision {migrate(str(MigrationSettings().migration_url))}")
    return 0


def run_restored(_: argparse.Namespace) -> int:
    """Begin a new epoch."""
    from app.migrate import begin_epoch
    from app.settings import MigrationSettings

    say(f"a new epoch begins for {begin_epoch(str(MigrationSettings().migration_url))} logs")
    return 0


def run_keys(_: argparse.Namespace) -> int:
    """Make the signing keys."""
    from app.folder import make_keys
    from app.settings import KeySettings

    make_keys(KeySettings().signing_keys)
    return 0


def run_healthy(options: argparse.Namespace) -> int:
    """Ask for readiness."""
    from app.health import is_healthy

    return 0 if is_healthy(options.port) else 1


def run_livekit(_: argparse.Namespace) -> int:
    """Find or build LiveKit."""
    from app.livekit_binary import NoLiveKit, find_or_build
    from app.settings import InstallationSettings

    try:
        print(find_or_build(InstallationSettings().livekit_server, lambda word: print(word, file=sys.stderr)))
    except NoLiveKit as error:
        print(f"dojo: {error}", file=sys.stderr)
        return 1
    return 0


def run_wire(options: argparse.Namespace) -> int:
    """Write or check the generated documents."""
    from app.wire import check, write

    root = Path(__file__).parent.parent
    if not options.check:
        write(root)
        return 0
    stale = check(root)
    for path in stale:
        print(f"dojo: {path} is out of date: run `make wire`", file=sys.stderr)
    return 1 if stale else 0


def run_demo(options: argparse.Namespace) -> int:
    """Fill an installation."""
    from app.demo import demo

    return demo(options.address, say)


def run_doctor(_: argparse.Namespace) -> int:
    """Look at this machine."""
    from app.doctor import doctor

    return doctor(print)


if __name__ == "__main__":
    sys.exit(main())
