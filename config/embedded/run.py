"""`make run`: the whole system from one command, stopped cleanly by Ctrl-C or SIGTERM."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

import psycopg2

from config.embedded import browser_libraries, children, messages, places, system_packages
from config.embedded.engines import RUN_LOCK, Engines, provision_from, write_environment
from config.embedded.places import PROJECT, VAR, LaunchError
from config.embedded.supervise import Program, Supervisor

DEFAULT_PORT = 8000
PORTS_TRIED = 100
LOGS = VAR / "log"
BINARIES = Path(sys.executable).parent


def say(chinese: str, english: str = "") -> None:
    """Print one short line, in both languages."""
    print(f"▸ {chinese} · {english}" if english else f"▸ {chinese}", flush=True)


def main() -> int:
    """Run until asked to stop; 0 after a clean stop, 1 when something needed is missing."""
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    if "MAKELEVEL" in os.environ:
        children.die_with_parent(signal.SIGTERM)
    # SIGINT too: a shell that starts us in the background has it ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # ignored under nohup, and stays so
        signal.signal(signal.SIGHUP, _interrupt)
    supervisor = Supervisor(say)
    try:
        with places.only_one(RUN_LOCK, "已在运行 · Already running; see var/environment.json and var/log/."):
            _stop_by_interrupt(supervisor)
    except LaunchError as error:
        print(f"✗ {error}", file=sys.stderr, flush=True)
        return 1
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _stop_by_interrupt(supervisor: Supervisor) -> None:
    try:
        _bring_up(supervisor)
        while True:
            supervisor.check()
            time.sleep(0.3)
    except KeyboardInterrupt:
        say("正在停止", "Stopping")
    finally:
        # An impatient second Ctrl-C must not leave half of it running.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        supervisor.stop()
    say("已停止，数据已保留", "Stopped; the data is kept")


def _bring_up(supervisor: Supervisor) -> None:
    system_packages.ensure_pango(say)
    say("浏览器库", "Browser libraries")
    browser_libraries.ensure(say)
    engines = Engines.for_development()
    _start_engines(supervisor, engines)
    environment = {**os.environ, **engines.environment()}
    ours = {**engines.environment(), **simulators_environment(environment), **live_environment(environment)}
    environment |= ours
    write_environment(ours)
    _prepare_database(environment)
    port = _web_port()
    if environment.get("HOST", "127.0.0.1") == "127.0.0.1":
        environment.setdefault("PUBLIC_ADDRESS", f"http://127.0.0.1:{port}")
    _start_programs(supervisor, environment, port)
    _print_addresses(environment, port)


def _start_engines(supervisor: Supervisor, engines: Engines) -> None:
    if engines.postgres:
        say(f"启动 PostgreSQL（端口 {engines.postgres.port}）", "Starting PostgreSQL")
        supervisor.start("PostgreSQL", engines.postgres)
    else:
        say("使用 DATABASE_URL 指定的数据库", "Using the database of DATABASE_URL")
    if engines.valkey:
        say(f"启动 Valkey（端口 {engines.valkey.port}）", "Starting Valkey")
        supervisor.start("Valkey", engines.valkey)
    else:
        say("使用 REDIS_URL 指定的 Redis", "Using the Redis of REDIS_URL")


def _prepare_database(environment: Mapping[str, str]) -> None:
    say("准备数据库角色与结构", "Preparing roles and tables")
    try:
        provision_from(environment)
    except (ValueError, psycopg2.Error) as error:
        raise LaunchError(f"准备数据库失败 · Preparing the database failed: {error}") from error
    messages.compile_all()
    as_owner = {**environment, "DAYINGXIAO_AS": "owner"}
    _manage(as_owner, "migrate", "--noinput", "--verbosity", "0")
    _manage(environment, "load_reference")
    if environment["DAYINGXIAO_ENV"] == "production":
        _manage(environment, "collectstatic", "--noinput", "--verbosity", "0")
    if _has_command("load_demo"):
        say("数据库为空时载入示范电网", "Loading the demo utility if the database is empty")
        _manage(as_owner, "load_demo", "--if-empty")


def _start_programs(supervisor: Supervisor, environment: Mapping[str, str], port: int) -> None:
    host = os.environ.get("HOST", "127.0.0.1")
    address = f"http://127.0.0.1:{port}/health/"
    say(f"启动网站（端口 {port}）", "Starting the web server")
    web = Program(web_command(host, port), environment, LOGS / "web.log", health_url=address)
    supervisor.start("web", web)
    live_port = places.remembered_port("live")
    say(f"启动大屏推送（端口 {live_port}）", "Starting the websocket server")
    supervisor.start("live", live_program(host, live_port, environment, LOGS))
    if "SIMULATORS_URL" in environment:
        say("启动模拟的短信和邮件服务", "Starting the simulated providers of messages")
        supervisor.start("simulators", simulators_program(environment, f"http://127.0.0.1:{port}", LOGS))
    say("启动后台任务与定时任务", "Starting the worker and the scheduler")
    # A worker that has lost Redis heeds no softer signal than SIGKILL. It loses nothing by it: jobs
    # are claimed in PostgreSQL and taken up again; its children leave when it is gone.
    worker = Program(worker_command(), environment, LOGS / "worker.log", patience_s=8, last_signal=signal.SIGKILL)
    supervisor.start("worker", worker)
    messenger = Program(
        messenger_command(), environment, LOGS / "messenger.log", patience_s=8, last_signal=signal.SIGKILL
    )
    supervisor.start("messenger", messenger)
    supervisor.start("scheduler", Program(scheduler_command(), environment, LOGS / "scheduler.log"))


def web_command(host: str, port: int, workers: int = 2, threads: int = 4) -> list[str]:
    """The web server's command line."""
    command = [str(BINARIES / "granian"), "config.wsgi:application", "--interface", "wsgi", "--no-ws"]
    command += ["--host", host, "--port", str(port), "--workers", str(workers), "--blocking-threads", str(threads)]
    return [*command, "--respawn-failed-workers", "--respawn-interval", "1", "--workers-kill-timeout", "5"]


def live_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Where browsers open websockets: a port of its own on the host they came by, unless an address is named."""
    if environment.get("WEBSOCKET_URL"):
        return {}
    return {"WEBSOCKET_URL": f"ws://*:{places.remembered_port('live')}"}


def live_program(host: str, port: int, environment: Mapping[str, str], logs: Path) -> Program:
    """The websocket server: one process, for it waits and forwards and computes nothing."""
    command = [str(BINARIES / "granian"), "config.asgi:application", "--interface", "asgi", "--ws"]
    command += ["--host", host, "--port", str(port), "--workers", "1", "--respawn-failed-workers"]
    command += ["--respawn-interval", "1", "--workers-kill-timeout", "2"]
    return Program(command, environment, logs / "live.log", health_url=f"http://127.0.0.1:{port}/health/", patience_s=4)


def worker_command(concurrency: int = 2) -> list[str]:
    """The Celery worker's command line; it serves every queue named in the settings."""
    command = [str(BINARIES / "celery"), "-A", "config.celery", "worker", "--loglevel", "INFO"]
    return [*command, "--concurrency", str(concurrency), "--without-gossip", "--without-mingle"]


def messenger_command() -> list[str]:
    """The command line of the worker that does nothing but send messages: no run delays a code."""
    command = [str(BINARIES / "celery"), "-A", "config.celery", "worker", "--loglevel", "INFO", "--queues", "messages"]
    return [*command, "--pool", "solo", "--hostname", "messenger@%h", "--without-gossip", "--without-mingle"]


def simulators_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Where the simulated providers of messages listen, for everybody who speaks to them; none in production."""
    if environment["DAYINGXIAO_ENV"] == "production":
        return {}
    made = {"SIMULATORS_URL": f"http://127.0.0.1:{places.remembered_port('simulators')}"}
    if not environment.get("WECHAT_PAY_PRIVATE_KEY"):
        made["WECHAT_PAY_GATEWAY"] = f"http://127.0.0.1:{places.remembered_port('simulated-wechat-pay')}"
    if not environment.get("ALIPAY_PRIVATE_KEY"):
        made["ALIPAY_GATEWAY"] = f"http://127.0.0.1:{places.remembered_port('simulated-alipay')}/gateway.do"
    if not environment.get("EMAIL_HOST"):
        made |= {"EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": str(places.remembered_port("simulated-mail"))}
    return made


def simulators_program(environment: Mapping[str, str], house: str, logs: Path) -> Program:
    """The simulated providers, which report to the web server at `house`."""
    command = [sys.executable, str(PROJECT / "manage.py"), "simulate_providers", "--house", house]
    health = f"{environment['SIMULATORS_URL']}/health/"
    return Program(command, environment, logs / "simulators.log", health_url=health)


def scheduler_command(schedule: Path = VAR / "beat-schedule") -> list[str]:
    """The Celery scheduler's command line."""
    command = [str(BINARIES / "celery"), "-A", "config.celery", "beat", "--loglevel", "INFO"]
    return [*command, "--schedule", str(schedule), "--pidfile", ""]


def _web_port() -> int:
    wanted = os.environ.get("PORT", "")
    if wanted:
        if not wanted.isdigit() or not places.is_port_free(int(wanted)):
            raise LaunchError(f"端口 {wanted} 不可用 · Port {wanted} is not free; choose another PORT or leave it out.")
        return int(wanted)
    for port in range(DEFAULT_PORT, DEFAULT_PORT + PORTS_TRIED):
        if places.is_port_free(port):
            return port
    return places.free_port()


def _has_command(name: str) -> bool:
    return any(PROJECT.glob(f"*/management/commands/{name}.py")) or any(
        PROJECT.glob(f"config/*/management/commands/{name}.py")
    )


def _manage(environment: Mapping[str, str], *arguments: str) -> None:
    command = [sys.executable, str(PROJECT / "manage.py"), *arguments]
    child = children.spawn(command, environment=environment)
    try:
        code = child.wait()
    finally:
        children.stop(child)
    if code:
        raise LaunchError(f"manage.py {' '.join(arguments)} 失败 · failed (exit code {code}).")


def _print_addresses(environment: Mapping[str, str], port: int) -> None:
    address = f"http://localhost:{port}"
    line = "─" * 60
    print(f"\n{line}\n大营销 Dayingxiao    {address}\n日志 Logs            {LOGS.relative_to(PROJECT)}/", flush=True)
    if _has_command("demo_logins"):
        shown = {**environment, "DAYINGXIAO_ADDRESS": address}
        command = [sys.executable, str(PROJECT / "manage.py"), "demo_logins"]
        subprocess.run(command, env=shown, cwd=PROJECT, check=False)
    print(f"按 Ctrl-C 停止 · Press Ctrl-C to stop\n{line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
