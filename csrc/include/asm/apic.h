/* SPDX-License-Identifier: MIT */
/* A processor's number is its APIC id, and ids have 32 bits: the NDST of pi_desc holds one as it
 * is. */
#ifndef _ASM_APIC_H
#define _ASM_APIC_H

#define x2apic_mode 1
#define x2apic_enabled() x2apic_mode
#define cpu_physical_id(cpu) ((unsigned int)(cpu))

#endif
