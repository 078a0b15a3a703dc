"""From the settings of a target to the platform behind its endpoint, with what all of a process share."""

import logging
import socket
from dataclasses import dataclass
from typing import TextIO

from pushserver.config import Settings, TargetSettings
from pushserver.platforms import Context, Platform, build
from pushserver.service.follower import Difference
from pushserver.service.mailer import AccountsMailer


@dataclass(slots=True)
class Endpoints:
    """Builds them: a :data:`pushserver.delivery.Build`.

    ``console`` is where console notices go; ``accounts`` send the mails of those who have no account.
    """

    settings: Settings
    console: TextIO
    accounts: AccountsMailer | None = None

    def follow(self, settings: Settings, _: Difference) -> None:
        """Build by these from now on, and send through their accounts what is built already."""
        self.settings = settings
        if self.accounts is not None:
            self.accounts.use(settings.relay_accounts)

    def __call__(self, target: TargetSettings) -> Platform:
        """See :func:`pushserver.platforms.build`."""
        return build(target, self._context())

    def _context(self) -> Context:
        settings = self.settings
        first_account = next(iter(settings.relay_accounts), None)
        return Context(
            timeout=settings.queue.timeout,
            console=self.console,
            logger=logging.getLogger("pushserver.notices"),
            local_hostname=socket.gethostname(),
            proxy=settings.http.proxy,
            ca_file=settings.http.ca_file,
            accounts=self.accounts,
            accounts_sender=first_account.from_ if first_account else "",
        )
