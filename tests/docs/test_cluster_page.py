"""docs/cluster.md: the scripts for batch systems make jobs that start one worker of one thread."""

import re
import subprocess
import sys

from tests.docs.pages import DOCS, blocks

JOB_OPTIONS = ("#SBATCH -p compute", "#BSUB -q normal", "#PBS -q batch")


def test_scripts_of_the_page_make_jobs() -> None:
    scripts = [block.text for block in blocks((DOCS / "cluster.md").read_text()) if block.language == "python"]
    assert len(scripts) == len(JOB_OPTIONS)
    asked = [
        re.sub(r"^cluster\.scale.*$", "print(cluster.job_script(), '=' * 9)", text, flags=re.M) for text in scripts
    ]
    code = "\n".join(re.sub(r"^input.*$", "cluster.close()", text, flags=re.M) for text in asked)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for job, option in zip(done.stdout.split("=" * 9), JOB_OPTIONS, strict=False):
        assert option in job
        assert "source /shared/nvdla-int8/.venv/bin/activate" in job
        assert re.search(r"dask_worker tcp://\S+ .*--nthreads 1", job)
