#!/bin/sh
# The towers of Hanoi: functions, recursion, arithmetic.
move() {
    if [ "$1" -gt 0 ]; then
        move $(($1 - 1)) "$2" "$4" "$3"
        echo "disc $1: $2 -> $3"
        move $(($1 - 1)) "$4" "$3" "$2"
    fi
}
move "${1:-3}" left right middle
