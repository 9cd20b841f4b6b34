# SPDX-License-Identifier: Apache-2.0
"""python3 -m node run --scenario NAME --truth DIR: the simulated node's command (root)."""
import argparse
import os
import sys

from . import sandbox, scenarios, simulation


def run(options):
    def body(place):
        options.cgroup, options.work = place.cgroup, place.work
        options.truth = os.path.abspath(options.truth or os.path.join(place.work, "truth"))
        return simulation.main(options.scenario, scenarios.load()[options.scenario], options)

    return sandbox.run(body, options.parent)


def main():
    parser = argparse.ArgumentParser(prog="python3 -m node", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("run", help="run a scenario")
    one.add_argument("--scenario", required=True, choices=sorted(scenarios.load()))
    one.add_argument("--truth", metavar="DIR", help="where node.json, clients.jsonl and "
                     "servers.jsonl go (default: a directory that ends with the node)")
    one.add_argument("--parent", metavar="DIR", help="cgroup v2 directory to build below "
                     "(default: the root of cgroup v2)")
    one.add_argument("--wait", action="store_true", help="start when a line 'go' is read")
    one.add_argument("--hold", action="store_true", help="stay until a line or the end is read")
    commands.add_parser("list", help="list the scenarios")
    options = parser.parse_args()
    if options.command == "list":
        for name, scenario in sorted(scenarios.load().items()):
            print(f"{name:12} {len(scenario.pods):3} pods, at most {scenario.seconds:.0f} s")
        return 0
    return run(options)


if __name__ == "__main__":
    sys.exit(main())
