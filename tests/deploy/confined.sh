# Starts a program with no more than the image and the unit leave it: nothing to write to but the given
# directory, no capabilities, and none to be gained. Its system calls are written to the file calls there,
# apart from those that are many and left out.
# usage: confined.sh DIRECTORY CALLS-LEFT-OUT PROGRAM ARGUMENT…
set -euo pipefail
directory=$1 left_out=$2
shift 2
mount --make-rprivate /
mount --bind "$directory" "$directory"
mount -o remount,ro,bind /
cd "$directory"
exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all \
    strace -D -f -qq --seccomp-bpf -e "trace=!$left_out" -e signal=none -o "$directory/calls" "$@"
