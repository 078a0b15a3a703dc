"""What a try adds to the counters of the account that made it. Pure."""

from pushserver.domain.mail import AccountCounts, MailErrorKind, MailReceipt


def counts_of(receipt: MailReceipt) -> tuple[AccountCounts, ...]:
    """One mail sent, or one failed; nothing where the account rests and has not tried."""
    if receipt.error is not None and receipt.error.kind is MailErrorKind.RESTING:
        return ()
    sent = bool(receipt.accepted)
    return (AccountCounts(receipt.account, sent=int(sent), failed=int(not sent)),)
