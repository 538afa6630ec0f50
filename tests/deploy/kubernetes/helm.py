"""`helm lint` and `helm template` of Helm's own library, for machines without the program:

helm.py lint CHART -f VALUES
helm.py template NAME CHART -n NAMESPACE -f VALUES

VALUES is a JSON file. Exits with 1 and the reason if the program does.
"""

import argparse
import json
import sys

import helm_python

# The severity of a finding that is only a recommendation.
INFO = 1


def options():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("lint", "template"):
        command = commands.add_parser(name)
        if name == "template":
            command.add_argument("name")
            command.add_argument("-n", dest="namespace", required=True)
        command.add_argument("chart")
        command.add_argument("-f", dest="values", required=True)
    return parser.parse_args()


def lint(chart, values):
    report = helm_python.lint(chart, values)
    found = [f"{one['path']}: {one['error']}" for one in report["messages"] if one["severity"] > INFO]
    return found + [error for error in report["errors"] if error not in found]


def template(name, chart, namespace, values):
    with helm_python.Chart.load(chart) as loaded:
        loaded.validate_schema(values)
        files = loaded.render(values, name=name, namespace=namespace)
    for path, text in sorted(files.items()):
        if path.endswith(".yaml"):
            print(f"---\n# Source: {path}\n{text}")


def main():
    given = options()
    with open(given.values, encoding="utf-8") as file:
        values = json.load(file)
    try:
        if given.command == "lint":
            faults = lint(given.chart, values)
            if faults:
                sys.exit("\n".join(faults))
        else:
            template(given.name, given.chart, given.namespace, values)
    except helm_python.HelmError as error:
        sys.exit(str(error))


main()
