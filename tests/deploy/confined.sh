# Starts a program with no more than the image and the unit leave it: nothing to write to but the given
# directory, no capabilities, and none to be gained. Its system calls are written to the file calls there.
# usage: confined.sh DIRECTORY PROGRAM ARGUMENT…
set -euo pipefail
directory=$1
shift
mount --make-rprivate /
mount --bind "$directory" "$directory"
mount -o remount,ro,bind /
cd "$directory"
exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all \
    strace -D -f -qq -y -e signal=none -o "$directory/calls" "$@"
