/* SPDX-License-Identifier: MIT */
/*
 * send_home stands for __pi_post_block.
 * A vCPU wakes while a vector is posted and the wakeup handler looks at the list.
 * Stub: the vCPU, its way to pi_desc, and the lock of the list that it waits on.
 */
#include <cmpx/listing.h>
#include <asm/apic.h>
#include <asm/posted_intr.h>
#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>

struct kvm_vcpu {
	int cpu, pre_pcpu;
	struct list_head blocked_vcpu_list;
	struct pi_desc pi_desc;
};

static DEFINE_PER_CPU(spinlock_t, blocked_vcpu_on_cpu_lock);

#define vcpu_to_pi_desc(vcpu) (&(vcpu)->pi_desc)

/* text */
static void send_home(struct kvm_vcpu *vcpu)
{
	struct pi_desc *desc = vcpu_to_pi_desc(vcpu), seen, wanted;

	for (;;) {
		seen.control = wanted.control = desc->control;
		WARN(seen.nv != POSTED_INTR_WAKEUP_VECTOR, "nv %x of a blocked vCPU\n", seen.nv);
		wanted.nv = POSTED_INTR_VECTOR;
		wanted.ndst = cpu_physical_id(vcpu->cpu);
		if (!x2apic_enabled())
			wanted.ndst = (wanted.ndst << 8) & 0xFF00;
		if (cmpxchg64(&desc->control, seen.control, wanted.control) == seen.control)
			break;
	}
	if (WARN_ON_ONCE(vcpu->pre_pcpu == -1))
		return;
	spin_lock(&per_cpu(blocked_vcpu_on_cpu_lock, vcpu->pre_pcpu));
	list_del(&vcpu->blocked_vcpu_list);
	spin_unlock(&per_cpu(blocked_vcpu_on_cpu_lock, vcpu->pre_pcpu));
	vcpu->pre_pcpu = -1;
}
/* end of text */

static struct kvm_vcpu vcpu = { .cpu = 3, .pre_pcpu = 1 };
static LIST_HEAD(blocked);

INIT
{
	vcpu.pi_desc.nv = POSTED_INTR_WAKEUP_VECTOR;
	list_add(&vcpu.blocked_vcpu_list, &blocked);
}

PROCESS(cpu)
{
	send_home(&vcpu);
}

PROCESS(iommu)
{
	pi_test_and_set_pir(5, &vcpu.pi_desc);
	pi_test_and_set_on(&vcpu.pi_desc);
}

PROCESS(waker)
{
	spin_lock(&per_cpu(blocked_vcpu_on_cpu_lock, 1));
	EXPECT(list_empty(&blocked) == (blocked.prev == &blocked), "half off the list");
	spin_unlock(&per_cpu(blocked_vcpu_on_cpu_lock, 1));
}

FINALLY
{
	EXPECT(vcpu.pi_desc.on && vcpu.pi_desc.pir[0] == 1 << 5, "a post is lost");
	EXPECT(vcpu.pi_desc.nv == POSTED_INTR_VECTOR && vcpu.pi_desc.ndst == 3, "no update");
	EXPECT(list_empty(&blocked) && vcpu.pre_pcpu == -1, "still on the list");
}
