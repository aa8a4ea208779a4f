# Fifty lines of everyday shell for busybox; /bb has its applets, as links.
set -u
cd /tmp && mkdir -p work && cd work
for i in 1 2 3 4 5; do echo "line $i" > file$i.txt; done
ls *.txt | wc -l
cat file[1-3].txt | sort -r | head -2
total=0
for f in *.txt; do read word number < $f; total=$((total + number)); done
echo "total $total"
greet() { local who=${1:-nobody}; echo "hello $who"; }
greet; greet world
case abc in a*) echo case ok;; *) echo case bad;; esac
x=$(echo "sub $(echo inner)")
echo "$x ${#x} ${x#sub } ${x%inner}"
cat <<END
here $total
END
(cd /; pwd); pwd
echo out > o 2>&1; echo err >&2 2>>o; cat o | tr a-z A-Z
false || echo or; true && echo and; ! false; echo "status $?"
sleep 0.2 & pid=$!; wait $pid; echo "waited $?"
trap 'echo trapped' USR1; kill -USR1 $$; trap - USR1
trap 'echo bye' EXIT
(exit 7); echo "exit $?"
sh -c 'kill -9 $$'; echo "killed $?"
echo 3 1 2 | tr ' ' '\n' | sort -n | tr '\n' ' '; echo
seq 1 10 | awk '{s += $1} END {print s}'
printf '%s\n' a b c | sed -n '2p;s/c/C/p'
echo abcabc | grep -o b | uniq -c
find . -name 'file*' | sort | tail -1
ln -s file1.txt link; readlink link; cp link copy; cmp copy file1.txt && echo same
tar cf all.tar *.txt; mkdir un; tar xf all.tar -C un; ls un | wc -l
gzip -c all.tar | gunzip | cmp - all.tar && echo gzipped
dd if=/dev/zero of=zeros bs=1k count=100 2>/dev/null; stat -c %s zeros; md5sum zeros | cut -c1-8
test -f copy -a ! -d copy && echo tested
i=0; while [ $i -lt 300 ]; do i=$((i+1)); [ $i -eq 150 ] && continue; done; echo $i
yes | head -3 | wc -l
ls -la link | cut -c1-10; chmod 640 copy; ls -l copy | cut -c1-10
mkfifo pipe; echo through > pipe & cat pipe; wait
xargs -n1 echo item < file1.txt
date -u -d @0 +%Y-%m-%d; expr 6 \* 7; basename /a/b.c .c
rm -r /tmp/work; [ -e /tmp/work ] || echo removed
