# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A private apt of its own, to fetch Debian packages of another suite or architecture without
# touching the machine's apt. Sourced, by fetch-kernel.sh and tools/arm64-sysroot.sh.
#
#   debian_apt_setup DIR ARCH SUITE...   make DIR an apt directory for these suites and update it
#   debian_apt DIR PROGRAM ARG...        run apt-get, apt-cache ... on that directory
#   debian_apt_error TEXT                print the line of apt's output TEXT that says what failed
#
# The archive's address is the one that the machine's own sources name, as apt itself reads them,
# so that mirrors and proxies go on to work. Every index is verified with Debian's keyring.

debian_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

debian_apt() {
    local dir=$1 program=$2
    shift 2
    "$program" -c "$dir/apt.conf" "$@"
}

debian_apt_error() {
    grep -m 1 -E '^(E|Err|W):' <<<"$1" || tail -n 1 <<<"$1"
}

# Print the URI of the archive that the machine uses for its own suite, or with the argument
# -security for that suite's security updates. Returns 1 when there is none.
debian_archive_uri() {
    local codename
    codename=$(. /etc/os-release && [ "${ID:-}" = debian ] && printf '%s' "${VERSION_CODENAME:-}")
    [ -n "$codename" ] || return 1
    # shellcheck disable=SC2016
    apt-get indextargets --no-release-info --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' \
        'Created-By: Packages' 2>/dev/null |
        awk -v want="$codename${1:-}" '$2 == want && $3 == "main" { print $1; found = 1; exit }
            END { exit !found }'
}

debian_apt_setup() {
    local dir=$1 arch=$2 suite uri
    shift 2
    [ -r "$debian_keyring" ] || { echo "no $debian_keyring (debian-archive-keyring)"; return 1; }
    mkdir -p "$dir/lists/partial" "$dir/archives/partial"
    dir=$(cd -- "$dir" && pwd)
    : >"$dir/status"
    : >"$dir/sources.list"
    for suite in "$@"; do
        case $suite in
        *-security) uri=$(debian_archive_uri -security) || continue ;;
        *) uri=$(debian_archive_uri) || { echo "no Debian archive in apt's sources"; return 1; } ;;
        esac
        echo "deb [arch=$arch signed-by=$debian_keyring] $uri $suite main" >>"$dir/sources.list"
    done
    # The clean-up hooks that container images configure would wipe the machine's own cache.
    cat >"$dir/apt.conf" <<EOF
Dir "$dir/";
Dir::State "$dir/";
Dir::State::lists "$dir/lists/";
Dir::State::status "$dir/status";
Dir::Cache "$dir/";
Dir::Cache::archives "$dir/archives/";
Dir::Etc::sourcelist "$dir/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Architecture "$arch";
APT::Architectures { "$arch"; };
APT::Get::AllowUnauthenticated "false";
Acquire::AllowInsecureRepositories "false";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::http::Timeout "30";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::DEP-11-icons::DefaultEnabled "false";
Acquire::IndexTargets::deb::DEP-11-icons-small::DefaultEnabled "false";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
EOF
    debian_apt "$dir" apt-get -qq --error-on=any update 2>&1
}
