#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The checks that need no privileges and no traffic. Each prints one line; the last line totals.
set -u
cd "$(dirname "$0")/.." || exit 1
passed=0 failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

check() {
    name=$1
    shift
    if "$@" >"$log" 2>&1; then
        echo "ok      $name"
        passed=$((passed + 1))
    else
        tail -n 40 "$log"
        echo "FAILED  $name"
        failed=$((failed + 1))
    fi
}

c_sources() {
    git ls-files --cached --others --exclude-standard 'userspace/*.[ch]' 'bpf/*.[ch]' \
        'include/*.h' 'tests/*.[ch]' 'tools/*.[ch]'
}

formatting() {
    c_sources | xargs clang-format --dry-run -Werror
}

shell_syntax() {
    for file in $(git ls-files --cached --others --exclude-standard '*.sh' .ci/run); do
        case $(head -n 2 "$file") in
        *bash*) bash -n "$file" ;;
        *) sh -n "$file" ;;
        esac || return 1
    done
}

python_syntax() {
    git ls-files --cached --others --exclude-standard '*.py' | PYTHONDONTWRITEBYTECODE=1 \
        xargs -r -n 1 /usr/bin/python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read())'
}

with_clang() {
    make --no-print-directory BUILD="${BUILD:-build}/clang" CC=clang all
}

# The project stands alone: no path of one machine, no registry's host.
stands_alone() {
    ! git grep -nIE '/work/(main|shared|\.)|deb\.debian\.org|pypi\.org|proxy\.golang\.org|registry\.npmjs' \
        -- . ':!tools/check.sh'
}

# Each option that --help knows is in the man page, and each in the man page is in --help.
man_page() {
    for command in run check top; do
        "${BUILD:-build}/credscope" "$command" --help
    done | grep -oE -- '--[a-z][a-z-]+' | sort -u >"$log.help"
    sed 's/\\-/-/g' docs/credscope.8.in | grep -oE -- '--[a-z][a-z-]+' | sort -u >"$log.man"
    comm -23 "$log.help" "$log.man" | grep -vE '^--(help|usage|version)$' >"$log.missing"
    cat "$log.missing"
    [ ! -s "$log.missing" ]
    result=$?
    rm -f "$log.help" "$log.man" "$log.missing"
    return $result
}

check structure tools/check-structure.py
check formatting formatting
check shell shell_syntax
check python python_syntax
check gcc make --no-print-directory all
check clang with_clang
check stands-alone stands_alone
check man-page man_page
[ ! -x tools/check-docs.py ] || check docs tools/check-docs.py

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
