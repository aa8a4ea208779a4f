#define _GNU_SOURCE
#include <stdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <errno.h>
#include <stdlib.h>
#include <setjmp.h>
#include <ucontext.h>
#include <sys/mman.h>
static volatile int n;
static void h(int s){n++;}
static sigjmp_buf jb;static volatile void*fa;static volatile int fc;
static void segv(int s,siginfo_t*i,void*u){fa=i->si_addr;fc=i->si_code;siglongjmp(jb,1);}
static void skip(int s,siginfo_t*i,void*u){ucontext_t*c=u;c->uc_mcontext.pc+=4;c->uc_mcontext.regs[0]=77;}
static void fp(int s){volatile double a=3.0;for(int i=0;i<10;i++)a=a*1.5;n++;}
static char *alt;static volatile int onalt;
static void alth(int s){char x;onalt=(&x>alt&&&x<alt+65536);}
int main(){
 struct sigaction sa;memset(&sa,0,sizeof sa);
 sa.sa_handler=h;sa.sa_flags=SA_RESTART;sigaction(SIGUSR1,&sa,0);
 raise(SIGUSR1);printf("raise: %d\n",n);
 sa.sa_sigaction=segv;sa.sa_flags=SA_SIGINFO;sigaction(SIGSEGV,&sa,0);
 if(!sigsetjmp(jb,1))*(volatile int*)8=1;
 printf("segv at %p code %d\n",fa,fc);
 void*ro=mmap(0,4096,PROT_READ,MAP_PRIVATE|MAP_ANONYMOUS,-1,0);
 if(!sigsetjmp(jb,1))*(volatile int*)ro=1;
 printf("segv in page %d code %d\n",fa==ro,fc);
 sa.sa_sigaction=skip;sigaction(SIGILL,&sa,0);
 {register long x asm("x0")=1;asm volatile(".word 0":"+r"(x));printf("skipped: %ld\n",x);}
 alt=malloc(65536);stack_t ss={.ss_sp=alt,.ss_size=65536};sigaltstack(&ss,0);
 sa.sa_handler=alth;sa.sa_flags=SA_ONSTACK;sigaction(SIGUSR2,&sa,0);raise(SIGUSR2);printf("on alternate stack: %d\n",onalt);
 // async signals during fp work
 sa.sa_handler=fp;sa.sa_flags=SA_RESTART;sigaction(SIGALRM,&sa,0);n=0;
 struct itimerval it={{0,1000},{0,1000}};setitimer(ITIMER_REAL,&it,0);
 double s=0;long rounds=0;while(n<200){double t=0;for(int i=1;i<2000;i++)t+=1.0/i;if(rounds==0)s=t;else if(s!=t){printf("fp broken\n");return 1;}rounds++;}
 memset(&it,0,sizeof it);setitimer(ITIMER_REAL,&it,0);printf("fp kept\n");
 // EINTR and restart
 int p[2];pipe(p);
 sa.sa_handler=h;sa.sa_flags=0;sigaction(SIGALRM,&sa,0);
 it.it_value.tv_usec=20000;setitimer(ITIMER_REAL,&it,0);
 char c;int r=read(p[0],&c,1);printf("read: %d %s\n",r,strerror(errno));
 sa.sa_flags=SA_RESTART;sigaction(SIGALRM,&sa,0);
 pid_t k=fork();if(!k){usleep(100000);write(p[1],"z",1);_exit(5);}
 it.it_value.tv_usec=20000;setitimer(ITIMER_REAL,&it,0);
 r=read(p[0],&c,1);printf("restarted read: %d %c\n",r,c);
 int st;waitpid(k,&st,0);printf("child: %d\n",WEXITSTATUS(st));
 sigset_t m,o;sigemptyset(&m);sigaddset(&m,SIGRTMIN+1);sigprocmask(SIG_BLOCK,&m,&o);
 for(int i=0;i<3;i++){union sigval v={.sival_int=i};sigqueue(getpid(),SIGRTMIN+1,v);}
 for(int i=0;i<3;i++){siginfo_t si;int g=sigwaitinfo(&m,&si);printf("rt %d %d\n",g-SIGRTMIN,si.si_value.sival_int);}
 signal(SIGPIPE,SIG_IGN);close(p[0]);r=write(p[1],"x",1);printf("write: %d %s\n",r,strerror(errno));
 errno=0;r=write(1,(void*)8,4);printf("bad buffer: %d %s\n",r,strerror(errno));
 errno=0;r=pipe((int*)8);printf("bad pipe: %d %s\n",r,strerror(errno));
 return 0;}
