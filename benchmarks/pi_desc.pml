/*
 * csrc/listings/pi_post_block.c for SPIN, access by access: K updates, each one read and one
 * compare-and-exchange; M posts, each one or into PIR and one into control. Whatever comes between
 * two accesses goes with the first, as in the machine.
 */
#ifndef K
#define K 100
#endif
#ifndef M
#define M K
#endif

int pir[4];
bit on;
byte ndst;

active proctype cpu()
{
	byte dest = 1, old_ndst;
	bit old_on, has_read;

	do
	:: atomic { dest <= K && !has_read -> old_on = on; old_ndst = ndst; has_read = 1 }
	:: atomic {
		has_read ->
		if
		:: old_on == on && old_ndst == ndst -> ndst = dest; dest++
		:: else
		fi;
		has_read = 0
	}
	:: dest > K && !has_read -> break
	od
}

active proctype iommu()
{
	byte vector;
	bit in_pir;

	do
	:: atomic { vector < M && !in_pir -> pir[vector / 32] = pir[vector / 32] | 1 << vector % 32; in_pir = 1 }
	:: atomic { in_pir -> on = 1; vector++; in_pir = 0 }
	:: vector >= M && !in_pir -> break
	od
}
