"A worker that falls silent ends the run, too. In the notebook we would wait a minute for that."
import os, signal, socket, subprocess, sys, threading
import nbformat, torch
from conftest import top

def test_silent_worker(tmp_path):
    for c in nbformat.read(top/'nbs'/'11_many_machines.ipynb', 4).cells:
        if c.source.startswith('%%writefile '):
            first,code = c.source.split('\n', 1)
            (tmp_path/first.split()[1]).write_text(code.replace('seconds=60', 'seconds=20'))
    assert 'seconds=20)' in (tmp_path/'with_checkpoints.py').read_text()
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        port = s.getsockname()[1]
    command = [sys.executable, '-m', 'accelerate.commands.launch', '--multi_gpu', '--num_processes', '2', '--main_process_port', str(port)]
    env = os.environ | dict(ACCELERATE_USE_CPU='true', OMP_NUM_THREADS='1')
    run = subprocess.Popen([*command, 'with_checkpoints.py', 'run.pt', '1000'], cwd=tmp_path, env=env, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said,ids = '',[]
    def kill():
        run.kill()
        for pid in ids:
            try: os.kill(pid, signal.SIGKILL)
            except ProcessLookupError: pass
    timer = threading.Timer(180, kill)  # so that this test ends even if the run does not
    timer.start()
    try:
        for line in run.stdout:
            said += line
            if line.startswith('processes'): ids = [int(number) for number in line.split()[1:]]
            if line.startswith('epoch 1 '): os.kill(ids[1], signal.SIGSTOP)
            if 'Timed out waiting 20000ms' in line: os.kill(ids[1], signal.SIGCONT)  # or the launcher gives it 30 s to end
        assert run.wait() != 0 and 'Timed out waiting 20000ms' in said and 'with_checkpoints.py FAILED' in said
        assert 2 <= torch.load(tmp_path/'run.pt', weights_only=True)['epochs'] < 1000
    finally:
        timer.cancel()
        kill()
