# SPDX-License-Identifier: Apache-2.0
"""python3 -m interceptors [PROGRAM ...]: real programs on a simulated node (root). See README.md."""
import argparse
import os
import shutil
import sys
import tempfile

from node.session import Failed
from tap import Results

from . import case, program, scenario


def wanted(names):
    known = scenario.programs()
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SystemExit(f"interceptors: no program {unknown[0]}; known: {' '.join(known)}")
    return [one for name, one in known.items() if not names or name in names]


def main():
    parser = argparse.ArgumentParser(prog="python3 -m interceptors", description=__doc__)
    parser.add_argument("program", nargs="*", help="which (default: all)")
    parser.add_argument("--keep", metavar="DIR", help="leave truth, events and logs there")
    options = parser.parse_args()
    if os.geteuid() != 0:
        raise SystemExit("interceptors: needs root (namespaces and cgroups)")
    results, not_run = Results(), []
    for one in wanted(options.program):
        why = program.why_not(one)
        if why:
            not_run.append(one.name)
            print(f"NOT RUN: {one.name}: {why}", flush=True)
            continue
        directory = tempfile.mkdtemp(prefix="credscope-interceptors-")
        os.chmod(directory, 0o711)
        try:
            case.run(one, directory, results)
        except Failed as error:
            results.check(False, f"{one.name}: {error}")
        finally:
            if options.keep:
                shutil.copytree(directory, os.path.join(options.keep, one.name),
                                dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.sock"))
            shutil.rmtree(directory, ignore_errors=True)
    for name in not_run:
        print(f"SKIPPED {name}: not run, see above")
    print(f"{results.passed} passed, {results.failed} failed, {len(not_run)} skipped")
    return 0 if results.passed and not results.failed else 1


if __name__ == "__main__":
    sys.exit(main())
