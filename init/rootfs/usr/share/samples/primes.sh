#!/bin/sh
# The primes up to a limit: loops and conditions.
number=2
while [ $number -le "${1:-50}" ]; do
    divisor=2
    while [ $((divisor * divisor)) -le $number ] && [ $((number % divisor)) -ne 0 ]; do
        divisor=$((divisor + 1))
    done
    if [ $((divisor * divisor)) -gt $number ]; then
        echo $number
    fi
    number=$((number + 1))
done
