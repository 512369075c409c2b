#!/usr/bin/env python3
"""Replays public StatefulSet tutorials with the real kubectl, dig and nslookup.

usage: replay.py BINARY TUTORIAL [--runtime NAME] [--skip-exec] [-v]

TUTORIAL is the number that the ids of its steps begin with. What is typed and what must be seen is
in tutorial.json beside this file. One fresh `BINARY serve --ephemeral` on free loopback ports, with
a kubeconfig that it writes. Prints a line for each step that failed and `N passed, N failed, N
skipped` last; exits with 1 when a step failed. Steps that run something inside a pod are skipped
with --skip-exec (simulated pods run nothing).
"""
import argparse
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
# All in seconds.
START_MAX, STEP_MAX, SETTLE_MAX, STOP_MAX = 30, 90, 60, 20
# The tutorial whose cluster has a default StorageClass.
HAS_DEFAULT_CLASS = '000'


def capture(arguments, **options):
    return subprocess.run(arguments, capture_output=True, text=True, **options)


def is_ready(pod):
    conditions = pod['status'].get('conditions', [])
    return any(c['type'] == 'Ready' and c['status'] == 'True' for c in conditions)


class Server:
    """A fresh server, and what is needed to talk to it."""

    def __init__(self, binary, runtime, tutorial, folder):
        kubeconfig = f'{folder}/kubeconfig'
        arguments = [binary, 'serve', '--ephemeral', '--runtime', runtime, '--dns-listen', '127.0.0.1:0',
                     '--api-listen', '127.0.0.1:0', '--kubeconfig-out', kubeconfig]
        if tutorial != HAS_DEFAULT_CLASS:
            arguments.append('--no-default-storage-class')
        self.log = open(f'{folder}/server.log', 'w')
        state = dict(os.environ, XDG_STATE_HOME=folder)
        self.process = subprocess.Popen(arguments, stdout=self.log, stderr=self.log, env=state)
        self.env = dict(os.environ, KUBECONFIG=kubeconfig, HOME=folder)
        end = time.monotonic() + START_MAX
        while time.monotonic() < end and self.process.poll() is None:
            # It says where it answers when everything has been bound.
            told = re.search(r'^DNS on 127\.0\.0\.1:(\d+)', open(self.log.name).read(), re.MULTILINE)
            if told and not capture(['kubectl', 'get', '--raw', '/readyz'], env=self.env).returncode:
                self.dns = int(told[1])
                return
            time.sleep(0.05)
        self.stop()
        sys.exit('the server did not become ready:\n' + open(self.log.name).read())

    def get(self, path):
        return json.loads(capture(['kubectl', 'get', '--raw', path], env=self.env, check=True).stdout)

    def pods(self, selector=''):
        query = '?labelSelector=' + selector.replace('=', '%3D') if selector else ''
        return self.get('/api/v1/namespaces/default/pods' + query)['items']

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(STOP_MAX)
        self.log.close()


def settle(server, wanted):
    """Waits for the pods that a step leads to; says what is there instead."""
    names = wanted.get('names_ready', wanted.get('ready', []))
    end = time.monotonic() + SETTLE_MAX
    while time.monotonic() < end:
        present = {
            pod['metadata']['name']: (
                is_ready(pod) and not pod['metadata'].get('deletionTimestamp'),
                pod['spec']['containers'][0]['image'],
            )
            for pod in server.pods(wanted.get('selector', ''))
        }
        is_settled = all(present.get(name, (False,))[0] for name in names)
        if wanted.get('exact'):
            is_settled = is_settled and set(present) == set(names)
        for name, image in wanted.get('images', {}).items():
            is_settled = is_settled and present.get(name, (False, ''))[1] == image
        if is_settled:
            return []
        time.sleep(0.1)
    return ['not settled: ' + json.dumps(present)]


def judge(expected, out, err, code):
    """What is missing in what a command printed. A command that was stopped has no code."""
    out_lines, all_lines = out.splitlines(), err.splitlines() + out.splitlines()
    found = lambda pattern, lines: any(re.search(pattern, line) for line in lines)
    faults = [] if code is None or code == expected['rc'] else [f'exit code {code}, not {expected["rc"]}']
    faults += ['stdout lacks ' + p for p in expected.get('stdout', []) if not found(p, out_lines)]
    faults += ['stderr lacks ' + p for p in expected.get('stderr', []) if not found(p, all_lines)]
    faults += ['stdout has ' + p for p in expected.get('stdout_absent', []) if found(p, out_lines)]
    rest = iter(out_lines)
    for pattern in expected.get('stdout_in_order', []):
        if not found(pattern, rest):
            faults.append('not in order: ' + pattern)
            break
    return faults


class Dns:
    """dig and nslookup, asked from this machine: the answer is the present address of a pod or service."""

    def __init__(self, server, question):
        self.server, self.question = server, question
        self.name = question['q'].rstrip('.') + ('.' + question['search'] if question.get('search') else '')
        self.text = self.dig('+noall', '+answer', '+additional', '+comments', self.name, question['type'])

    def dig(self, *arguments):
        return capture(['dig', '-p', str(self.server.dns), '@127.0.0.1', *arguments]).stdout

    def answers(self, kind):
        rows = [line.split() for line in self.text.splitlines() if line and not line.startswith(';')]
        return [row[4:] for row in rows if row[3] == kind and row[0].lower() == self.name.lower() + '.']

    def check(self):
        answer = self.question['answer']
        if isinstance(answer, str) and answer.startswith('podIP('):
            return self.check_pod(answer[len('podIP('):-1])
        if isinstance(answer, str) and answer.startswith('clusterIP('):
            service = answer.split('(')[1].split(')')[0]
            return self.check_addresses([self.server.get('/api/v1/namespaces/default/services/' + service)['spec']['clusterIP']])
        if self.question['type'] == 'A':
            pods = self.server.pods('app=myapp,release=canary')
            return self.check_addresses([pod['status']['podIP'] for pod in pods if is_ready(pod)])
        if answer == []:
            return ['SRV is still there'] if self.answers('SRV') else []
        return self.check_srv()

    def check_addresses(self, wanted):
        found = sorted(row[0] for row in self.answers('A'))
        return [] if found == sorted(wanted) and wanted else [f'{self.name}: {found}, not {wanted}']

    def check_pod(self, pod):
        address = self.server.get('/api/v1/namespaces/default/pods/' + pod)['status'].get('podIP', '0.0.0.0')
        faults = self.check_addresses([address])
        looked_up = capture(['nslookup', f'-port={self.server.dns}', self.name, '127.0.0.1'])
        if looked_up.returncode or address not in looked_up.stdout:
            faults.append('nslookup: ' + looked_up.stdout)
        if self.question.get('ptr') and self.name + '.' not in self.dig('+short', '-x', address).split():
            faults.append(f'no PTR from {address}')
        return faults

    def check_srv(self):
        faults = []
        found = [' '.join(row) for row in self.answers('SRV')]
        pods = [pod for pod in self.server.pods() if pod['metadata']['name'].startswith('tkb-sts-')]
        for pod in pods:
            target = f'{pod["metadata"]["name"]}.{self.name}.'
            address = re.escape(pod['status']['podIP'])
            if f'0 33 80 {target}' not in found:
                faults.append(f'no SRV 0 33 80 {target}')
            if not re.search(re.escape(target) + r'\s+\d+\s+IN\s+A\s+' + address + r'\b', self.text):
                faults.append(f'no additional A of {target}')
        if len(found) != len(pods) or not pods:
            faults.append(f'{len(found)} SRV for {len(pods)} pods')
        return faults


def type_in_terminal(server, folder, command, lines):
    """Runs a command with a terminal and types lines into it."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execvpe('bash', ['bash', '-c', command], server.env)
    printed, lines, begun = b'', list(lines), time.monotonic()
    next_line = begun + 2.5
    while time.monotonic() - begun < 40:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                piece = os.read(terminal, 65536)
            except OSError:
                break
            if not piece:
                break
            printed += piece
        if lines and time.monotonic() > next_line:
            os.write(terminal, (lines.pop(0) + '\n').encode())
            next_line = time.monotonic() + 1.2
    ended, status = os.waitpid(pid, os.WNOHANG)
    if not ended:
        time.sleep(0.5)
        ended, status = os.waitpid(pid, os.WNOHANG)
    if not ended:
        os.kill(pid, signal.SIGTERM)
        ended, status = os.waitpid(pid, 0)
    return printed.decode('utf8', 'replace').replace('\r', ''), '', os.waitstatus_to_exitcode(status)


class Replay:
    """The steps of one tutorial, in order, against one server."""

    def __init__(self, server, folder, options):
        self.server, self.folder, self.options = server, folder, options
        self.watching = {}
        self.n_passed = self.n_failed = self.n_skipped = 0

    def report(self, step, faults, printed=''):
        line = f'{step["id"]} {step["run"][:110]}'
        if faults:
            self.n_failed += 1
            print(f'FAIL {line}\n     ' + '; '.join(faults)[:600], '\n' + printed[-1500:] if self.options.v else '')
        else:
            self.n_passed += 1
            if self.options.v:
                print('ok  ', line)

    def step(self, step):
        if self.options.skip_exec and re.search(r'kubectl (exec|run|attach|cp)\b', step['run']):
            self.n_skipped += 1
        elif step['tool'] != 'kubectl':
            self.report(step, Dns(self.server, step['expect']['dns']).check())
        elif step.get('background'):
            self.watch(step)
        else:
            out, err, code = self.run(step)
            faults = judge(step['expect'], out, err, code)
            if 'settle' in step:
                faults += settle(self.server, step['settle']['pods'])
            self.report(step, faults, out + err)
        for other in [one for one, (_, watch, _) in self.watching.items() if watch['close_after'] == step['id']]:
            self.close(other)

    def run(self, step):
        if step.get('tty'):
            return type_in_terminal(self.server, self.folder, step['run'], step.get('stdin', []))
        try:
            command = ['bash', '-c', step['run']]
            done = capture(command, cwd=self.folder, env=self.server.env, timeout=STEP_MAX)
            return done.stdout, done.stderr, done.returncode
        except subprocess.TimeoutExpired as late:
            return (late.stdout or b'').decode(), f'timed out after {STEP_MAX} s', 124

    def watch(self, step):
        """Starts a command that runs beside the steps that follow."""
        out = open(f'{self.folder}/{step["id"]}.out', 'w')
        # At this level kubectl tells each request that was answered.
        command = ['bash', '-c', 'exec ' + step['run'].replace('kubectl ', 'kubectl -v=6 ', 1)]
        log = f'{self.folder}/{step["id"]}.err'
        with open(log, 'w') as errors:
            process = subprocess.Popen(command, cwd=self.folder, env=self.server.env, stdout=out, stderr=errors,
                                       start_new_session=True)
        self.watching[step['id']] = process, step, out
        # It has to have listed, and to watch, before the next step changes what there is.
        end = time.monotonic() + START_MAX
        while not any('watch=true' in line and '200 OK' in line for line in open(log)):
            if time.monotonic() > end or process.poll() is not None:
                sys.exit(f'{step["id"]} does not watch:\n' + open(log).read())
            time.sleep(0.05)

    def close(self, identity):
        process, step, out = self.watching.pop(identity)
        # What is expected may be on its way still.
        end = time.monotonic() + 5
        while judge(step['expect'], open(out.name).read(), '', None) and time.monotonic() < end:
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        out.close()
        printed = open(out.name).read()
        self.report(step, judge(step['expect'], printed, '', None), printed)

    def finish(self):
        for identity in list(self.watching):
            self.close(identity)
        print(f'{self.n_passed} passed, {self.n_failed} failed, {self.n_skipped} skipped')
        return 1 if self.n_failed or not self.n_passed else 0


def replay(document, options, folder):
    for name, text in document['manifests'].items():
        with open(f'{folder}/{name}', 'w') as file:
            file.write(text)
    server = Server(os.path.abspath(options.binary), options.runtime, options.tutorial, folder)
    try:
        before = f'before-{options.tutorial}.yaml'
        if before in document['manifests']:
            subprocess.run(['kubectl', 'apply', '-f', before], cwd=folder, env=server.env, check=True, capture_output=True)
        if options.tutorial in document['settle_before']:
            for fault in settle(server, document['settle_before'][options.tutorial]['pods']):
                sys.exit('before the first step: ' + fault)
        steps = Replay(server, folder, options)
        for step in document['steps']:
            if step['id'].startswith(options.tutorial + '-'):
                steps.step(step)
        return steps.finish()
    finally:
        server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('binary')
    parser.add_argument('tutorial')
    parser.add_argument('--runtime', default='simulated')
    parser.add_argument('--skip-exec', action='store_true')
    parser.add_argument('-v', action='store_true', help='print every step')
    options = parser.parse_args()
    with open(os.path.join(HERE, 'tutorial.json')) as file:
        document = json.load(file)
    folder = tempfile.mkdtemp(prefix='tutorial-')
    try:
        return replay(document, options, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == '__main__':
    sys.exit(main())
