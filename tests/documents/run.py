#!/usr/bin/env python3
"""Run the command blocks of a page of the documentation, in order, as a reader would type them.

usage: run.py BINARY PAGE

The commands of a page share one bash with a home of its own, in a copy of examples/ and zones/, in a
network namespace of its own, so that the default ports are free. `dullahan` is BINARY, and so is
`cargo run --release --`. What is run is told by the words after the three backticks:

    sh              every command must succeed
    sh server       started in the background; it is ready once it has printed a line with the words that
                    follow `server`, and it must end well at the end of the page, when SIGTERM comes
    sh no-run       left out and counted; the page says what it needs
    console         lines after `$ ` are commands; what follows is compared with what they print: every
                    line must come, in this order; `...` stands for any lines, and numbers, addresses,
                    and random names may differ. A command is repeated until it agrees, for a while

Other blocks are not commands. The last line is `N passed, N failed, N skipped`.
"""
import os, re, shutil, signal, subprocess, sys, tempfile, time

PATIENCE_S = 30
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def blocks(text):
    """The fenced blocks: (line number, words after the fence, content)."""
    found, begin = [], None
    for number, line in enumerate(text.splitlines(), 1):
        if begin is None and line.startswith('```'):
            begin, words, content = number, line[3:].split(), []
        elif begin is not None and line == '```':
            found.append((begin, words, '\n'.join(content)))
            begin = None
        elif begin is not None:
            content.append(line)
    assert begin is None, f'the block at line {begin} does not end'
    return found


def prompts(content):
    """Commands of a console block, with the lines expected after each."""
    found = []
    for line in content.splitlines():
        if line.startswith('$ '):
            found.append((line[2:], []))
        elif found and not found[-1][1] and found[-1][0].endswith('\\'):
            found[-1] = (found[-1][0] + '\n' + line, [])
        else:
            assert found, 'a console block begins with "$ "'
            found[-1][1].append(line)
    return found


def pattern(line):
    """What differs from run to run matches itself: numbers, addresses, ages, random names, paths of a home."""
    line = line.strip()
    line = re.sub(r'/home/you', '/HOME', line)
    parts = re.split(r'(/HOME|[0-9a-f]{8}-[0-9a-f-]{27}|\b[0-9a-f]{9,10}\b|\d[\d.:]*(?:ms|s|m|h|d)?\b|\s+|\.\.\.)', line)
    rule = ''
    for part in parts:
        if re.fullmatch(r'\s+', part):
            rule += r'\s+'
        elif part == '...':
            rule += '.*'
        elif part == '/HOME':
            rule += re.escape(os.environ['HOME'])
        elif re.fullmatch(r'[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{9,10}', part):
            rule += r'[0-9a-z-]+'
        elif re.match(r'\d', part):
            rule += r'[\d.:]+(?:ms|s|m|h|d|m\d+s)?'
        else:
            rule += re.escape(part)
    return re.compile(rule)


def missing(expected, printed):
    """The first expected line that is not printed, or None."""
    lines, at, may_skip = [line.strip() for line in printed.splitlines() if line.strip()], 0, False
    for wanted in filter(None, map(str.strip, expected)):
        if wanted == '...':
            may_skip = True
            continue
        rule = pattern(wanted)
        while at < len(lines) and not rule.fullmatch(lines[at]):
            if not may_skip:
                return wanted
            at += 1
        if at == len(lines):
            return wanted
        at, may_skip = at + 1, False
    return None if may_skip or at == len(lines) else f'nothing instead of {lines[at]!r}'


class Shell:
    """One bash that keeps its folder and variables from command to command."""

    def __init__(self, folder):
        self.bash = subprocess.Popen(['bash', '--norc'], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT, text=True, start_new_session=True)
        self.n_done = 0

    def run(self, command):
        """What the command prints, and its exit code."""
        self.n_done += 1
        sign = f'done-{os.getpid()}-{self.n_done}'
        # The group keeps the environment; its input is not bash's own.
        self.bash.stdin.write(f'{{ {command}\n}} </dev/null\necho "{sign} $?"\n')
        self.bash.stdin.flush()
        printed = ''
        for line in self.bash.stdout:
            # The last line of a command may have no end.
            head, found, code = line.rstrip('\n').rpartition(sign + ' ')
            if found:
                return printed + head, int(code)
            printed += line
        raise SystemExit(f'bash ended at: {command}\n{printed}')


class Page:
    def __init__(self, binary, path):
        self.path, self.passed, self.failed, self.skipped, self.servers = path, 0, 0, 0, []
        self.work = tempfile.mkdtemp(prefix='page-')
        self.folder = os.path.join(self.work, 'checkout')
        for name in ('examples', 'zones'):
            shutil.copytree(os.path.join(ROOT, name), os.path.join(self.folder, name))
        programs = os.path.join(self.work, 'bin')
        os.makedirs(programs)
        os.makedirs(os.path.join(self.work, 'home'))
        os.symlink(binary, os.path.join(programs, 'dullahan'))
        with open(os.path.join(programs, 'cargo'), 'w') as cargo:
            cargo.write('#!/bin/sh\n[ "$1 $2 $3" = "run --release --" ] || { echo "cargo $* is not run here" >&2; exit 1; }\n'
                        'shift 3\nexec dullahan "$@"\n')
        os.chmod(cargo.name, 0o755)
        os.environ.update(HOME=os.path.join(self.work, 'home'), PATH=programs + ':' + os.environ['PATH'] + ':/usr/sbin')
        for name in ('XDG_STATE_HOME', 'KUBECONFIG', 'XDG_CONFIG_HOME'):
            os.environ.pop(name, None)
        self.shell = Shell(self.folder)

    def result(self, line, fault=None):
        if fault is None:
            self.passed += 1
        else:
            self.failed += 1
            print(f'{self.path}:{line}: {fault}')

    def server(self, line, content, sign):
        log = os.path.join(self.work, f'server-{line}.log')
        open(log, 'w').close()
        printed, code = self.shell.run(f'{{ exec {content}\n}} >{log} 2>&1 & echo $!')
        pid, end = int(printed.split()[-1]), time.monotonic() + PATIENCE_S
        self.servers.append((line, pid, log))
        while time.monotonic() < end and sign not in open(log).read():
            if not os.path.exists(f'/proc/{pid}'):
                break
            time.sleep(0.05)
        said = open(log).read()
        self.result(line, None if sign in said else f'the server has not said {sign!r}:\n{said}')

    def console(self, line, command, expected):
        end = time.monotonic() + PATIENCE_S
        while True:
            printed, _ = self.shell.run(command)
            fault = missing(expected, printed)
            if fault is None or time.monotonic() > end:
                break
            time.sleep(0.2)
        self.result(line, None if fault is None else f'{command}\n  is expected to print: {fault}\n  and prints:\n{printed}')

    def run(self):
        for line, words, content in blocks(open(os.path.join(ROOT, self.path)).read()):
            match words:
                case ['sh', 'no-run', *_]:
                    self.skipped += 1
                    print(f'SKIPPED: {self.path}:{line} is not run')
                case ['sh', 'server', *sign]:
                    self.server(line, content, ' '.join(sign))
                case ['sh']:
                    printed, code = self.shell.run('( set -e\n' + content + '\n)' if not re.search(r'^(export|cd) ', content, re.M) else content)
                    self.result(line, None if code == 0 else f'exit code {code}:\n{printed}')
                case ['console']:
                    for command, expected in prompts(content):
                        self.console(line, command, expected)
                case ['sh' | 'console' | 'bash' | 'shell', *_]:
                    self.result(line, f'unknown words after the fence: {words}')

    def end(self):
        for line, pid, log in self.servers:
            try:
                os.kill(pid, signal.SIGTERM)
            except ProcessLookupError:
                continue  # It was ended by the page itself.
            code = self.shell.run(f'wait {pid}')[1]
            self.result(line, None if code == 0 else f'exit code {code} of the server:\n{open(log).read()}')
        self.shell.bash.stdin.close()
        self.shell.bash.wait(PATIENCE_S)
        shutil.rmtree(self.work)


def main():
    binary, path = os.path.abspath(sys.argv[1]), sys.argv[2]
    page = Page(binary, path)
    try:
        page.run()
    finally:
        page.end()
    print(f'{page.passed} passed, {page.failed} failed, {page.skipped} skipped')
    return 1 if page.failed else 0


sys.exit(main())
