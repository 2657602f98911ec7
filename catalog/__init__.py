"""The catalogue: POCs that someone is proud of, found again."""

from catalog.routes import routes
from core.process import Package

package = Package("catalog", routes=(routes,))
