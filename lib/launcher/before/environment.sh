# Sourced by the scripts of the project: finds a Python, and makes its environment in .venv.
#
# Plain POSIX sh. Whoever sources it sets `home`, the project's directory, and `program`, the name
# that messages begin with; `python` is set here.

# shellcheck shell=sh
venv=${home:?}/.venv
lock=$home/.venv.lock

die() {
    printf '%s: %s\n' "${program:?}" "$1" >&2
    exit 2
}

stopped() {
    printf '%s: stopped before the job had begun\n' "${program:?}" >&2
    exit "$1"
}

# A request to stop is told; it waits for the command that runs.
heed_signals() {
    trap 'stopped 129' HUP
    trap 'stopped 130' INT
    trap 'stopped 143' TERM
}

case $home in
    *:*) die "$home has a colon, which ends a path for Python and Java; move the project elsewhere" ;;
esac

# Python reads a path with an umlaut in the locale's encoding, and so does Java.
case ${LC_ALL:-${LC_CTYPE:-${LANG:-C}}} in
    C | POSIX)
        LC_CTYPE=C.UTF-8
        export LC_CTYPE
        [ -z "${LC_ALL:-}" ] || LC_ALL=C.UTF-8
        ;;
esac
# Where another Python's library is named, ours does not start.
unset PYTHONHOME

runs() {
    "$1" -I -S -c '' 2>/dev/null
}

# Sets `python` to a Python that is new enough, given in PYTHON or found.
find_python() {
    if [ -n "${PYTHON:-}" ]; then
        set -- "$PYTHON"
    else
        set -- python3 python3.14 python3.13 python3.12 python3.11
    fi
    for python do
        ! "$python" -I -S -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || return 0
    done
    die "no Python >= 3.11 found (tried $*); install one, or name it in PYTHON"
}

# Sets `python` to one that has the packages of setup.cfg: the one in PYTHON, else that of .venv.
use_environment() {
    python=${PYTHON:-}
    [ -n "$python" ] && "$python" -E -P "$home/lib/launcher/before/packages.py" 2>/dev/null ||
        own_environment java
}

# Sets `python` to that of .venv, which is made from the one in PYTHON, or from any, with the packages
# that the locks name for the job and for the extras $1 of setup.cfg (the last one is java).
own_environment() {
    if ! is_current "$1"; then
        find_python
        take_lock
        # Another start may have made it meanwhile.
        is_current "$1" || make_environment "$1"
        give_lock
    fi
    python=$venv/bin/python
}

is_current() {
    runs "$venv/bin/python" && [ "$(pins)" = "$(cat "$venv/installed-$1" 2>/dev/null)" ]
}

pins() {
    cat "$home/setup.cfg" "$home"/requirements*.lock 2>/dev/null
}

make_environment() {
    echo "Preparing the Python environment (once, about a minute) ..." >&2
    if [ -t 2 ]; then
        # Whoever watches sees from pip or uv how much has come.
        install_packages "$1" >&2 || die "the Python packages could not be installed; see above"
    else
        output=$(install_packages "$1" --quiet 2>&1) ||
            die "the Python packages could not be installed: $(reason)"
    fi
    PYTHONPATH=$home/lib "$venv/bin/python" -m launcher.java
    # Whoever has more has these too.
    pins >"$venv/installed-java"
    pins >"$venv/installed-$1"
}

# The last line of `output`; where a package is not the locks', all that is said of it, in one line.
reason() {
    case $output in
        *[Hh]ash* | *HASH*)
            printf '%s\n' "$output" | sed -n -e '/[Hh][Aa][Ss][Hh]/h' -e '//!H' -e '${x;s/[[:space:]][[:space:]]*/ /g;p}'
            ;;
        *) printf '%s\n' "$output" | tail -n 1 ;;
    esac
}

# Installs the packages of the locks for the extras $1; $2, if given, is an option of the installer.
install_packages() {
    extras=$1 how=${2:-}
    # From here, so that no character in the path can mean anything to pip.
    cd "$home" || return
    if command -v uv >/dev/null; then
        runs "$venv/bin/python" || uv venv --quiet --clear --python "$python" .venv || return
        set -- uv pip install ${how:+"$how"} --python .venv/bin/python
    else
        if ! runs "$venv/bin/python"; then
            "$python" -c 'import ensurepip' 2>/dev/null || {
                echo "$python cannot make environments: install uv, or on Debian python3-venv"
                return 1
            }
            "$python" -m venv --clear .venv || return
        fi
        set -- .venv/bin/python -E -m pip install ${how:+"$how"} --disable-pip-version-check
    fi
    # First what builds others: no hash would hold for what an installer fetches to build with.
    install_locked build "$@" || return
    # Not every machine has a Java among its packages; then one on the PATH may do.
    install_locked "job,$extras" "$@" || install_locked "job,${extras%java}" "$@" || return
    "$@" --no-build-isolation --no-deps --editable .
}

# Installs by the command $2... what the locks of $1 name, and nothing else: `job` and extras.
install_locked() {
    locks=$1
    shift
    set -- "$@" --no-build-isolation --require-hashes
    while [ -n "$locks" ]; do
        case ${locks%%,*} in
            job) set -- "$@" --requirement requirements.lock ;;
            *) set -- "$@" --requirement "requirements-${locks%%,*}.lock" ;;
        esac
        case $locks in
            *,*) locks=${locks#*,} ;;
            *) locks= ;;
        esac
    done
    "$@"
}

# Two first runs at the same time would spoil each other's environment. A directory is a lock on every
# file system; it says who holds it, and the lock of one that is gone is taken over.
take_lock() {
    waited=0
    until mkdir "$lock" 2>/dev/null; do
        [ -d "$lock" ] || die "$home cannot be written to, so there is no place for .venv; name a Python that has the packages in PYTHON"
        if holder_is_gone && mkdir "$lock/heir" 2>/dev/null; then
            ! holder_is_gone || break
            rmdir "$lock/heir"
        fi
        [ "$waited" -lt 900 ] || die "another start has been at work on .venv for $waited s; if none is, remove $lock"
        sleep 1
        waited=$((waited + 1))
    done
    trap 'rm -rf "$lock"' EXIT
    heed_signals
    echo "$(uname -n) $$" >"$lock/holder"
    rm -rf "$lock/heir"
}

give_lock() {
    rm -rf "$lock"
    trap - EXIT HUP INT TERM
}

holder_is_gone() {
    read -r machine process 2>/dev/null <"$lock/holder" || return 1
    [ "$machine" = "$(uname -n)" ] && ! [ -e "/proc/$process" ] && ! kill -0 "$process" 2>/dev/null
}
